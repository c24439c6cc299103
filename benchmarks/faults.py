"""What is left of a guided run in which something went wrong: nothing.

    python -m benchmarks.faults              every fault, hours on a CPU; goes on where it was stopped
    python -m benchmarks.faults --every 20   each twentieth

Each embedded template, with each way to the gradient, for one picture in three steps. In each run one thing goes wrong:
an error, memory that runs out, NaN, an interrupt on the spot or by the host's flag; in the denoiser, the callback, the
decoding, a loss, the loss's gradient or the denoiser's; in each step. The run must end as it should, say so, and leave
nothing: the same prompt then gives the same bits; weights, flags, hooks, patches and switches are as they were, and no
tensor is left. Results go to `benchmarks/results/faults.json`.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from tqdm import tqdm

from tasks.faults import GRADIENTS, PACKS, FaultyRuns, faults
from tools.hosts import TEMPLATES
from tools.server import prepare_base, running_host

RESULTS = Path(__file__).parent / "results" / "faults.json"


def planned(every: int) -> dict[tuple[Path, str], list]:
    """The faults of each template and way to the gradient: each so manieth of all of them."""
    everything = [(path, gradient, fault) for path in TEMPLATES for gradient in GRADIENTS for fault in faults(gradient)]
    plan: dict[tuple[Path, str], list] = {}
    for path, gradient, fault in everything[::every]:
        plan.setdefault((path, gradient), []).append(fault)
    return plan


def table(results: dict) -> str:
    """Tried and survived, by the way to the gradient."""
    lines = ["| gradient | tried | survived |", "|---|---|---|"]
    for gradient in GRADIENTS:
        tried, fell = totals([row for row in results["rows"] if row["gradient"] == gradient])
        lines.append(f"| {gradient} | {tried} | {tried - fell} |")
    return "\n".join(lines)


def totals(rows: list[dict]) -> tuple[int, int]:
    """How many were tried, and how many fell."""
    return sum(row["tried"] for row in rows), sum(len(row["fell"]) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try each N-th fault alone")
    every = parser.parse_args().every
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if results.get("every") != every:
        results = {"every": every, "rows": []}
    done = {(row["template"], row["gradient"]) for row in results["rows"]}
    plan = {key: found for key, found in planned(every).items() if (key[0].stem, key[1]) not in done}
    with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as base:
        prepare_base(Path(base))
        for pack in PACKS:
            shutil.copy(pack, Path(base) / "custom_nodes")
        with running_host(Path(base)) as host:
            for (path, gradient), chosen in tqdm(plan.items(), unit="run"):
                runs = FaultyRuns(host, path, gradient)
                wrong = {str(fault): runs.wrong(fault) for fault in chosen}
                fell = {fault: why for fault, why in wrong.items() if why}
                row = {"template": path.stem, "gradient": gradient, "tried": len(chosen), "fell": fell}
                results["rows"].append(row)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
