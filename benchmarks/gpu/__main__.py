"""What a GPU makes of the pack, by a real ComfyUI with models of full size and random weights.

    python -m benchmarks.gpu                 within ten minutes, or --minutes; on a CPU it gets as far as it does
    python -m benchmarks.gpu --quick         small models: a minute or two on a CPU

Time and memory of each gradient mode through each decoder over a plain step's; gradients in fp16 and bf16 against
fp32's; weights from files, dynamic and not; memory that runs out; attention kernels; torch.compile. The most important
rows come first; what there was no time for is said. A row that fails is a finding. After each row all go to
`benchmarks/results/gpu.json` (with --quick to `output/gpu.json`); in the end they are printed as tables.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.gpu import cost, dynamic_weights, half_precision, kernels, short_memory
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.row import LEFT_OUT, TIME_IS_UP, Session, first_sentence
from benchmarks.gpu.scale import FAMILIES, Scale, scale
from benchmarks.gpu.table import table
from tools.comfyui import REPOSITORY
from tools.server import Client, prepare_base, running_host

RESULTS = REPOSITORY / "benchmarks" / "results" / "gpu.json"
QUICK_RESULTS = REPOSITORY / "output" / "gpu.json"
PACK = Path(__file__).parent / "pack"


def sessions(size: Scale) -> Iterator[Session]:
    """All that is measured, host by host."""
    first = [*cost.rows(size, "SD 1.5"), *half_precision.rows(size, "SD 1.5")]
    first += dynamic_weights.rows(size, "as it is")
    yield Session([*first, *(row for family in FAMILIES[1:] for row in cost.rows(size, family))])
    switch = dynamic_weights.SWITCH
    yield Session(dynamic_weights.rows(size, switch, dynamic_weights.there_are_none()), (switch,))
    yield Session(short_memory.rows(size), short_memory.reserve(size))
    yield from kernels.attention_sessions(size)
    others = [row for family in FAMILIES[1:] for row in half_precision.rows(size, family)]
    yield Session([*others, *kernels.compile_rows(size)])


def about(host: Client) -> dict:
    """The device and the versions, by the host's own account."""
    stats = host.get("/system_stats").json()
    system, device = stats["system"], stats["devices"][0]
    names = {"comfyui": system["comfyui_version"], "pytorch": system["pytorch_version"]}
    return {"device": device["name"], "gigabytes": round(device["vram_total"] / 1e9, 1)} | names


def measured(session: Session, base: Path, until: float, results: dict) -> Iterator[dict]:
    """A record for each row. What the host says of itself is put into `results`."""
    waiting = list(session.rows)
    if all(row.missing for row in waiting) or time.monotonic() >= until:
        yield from (row.said(LEFT_OUT + (row.missing or TIME_IS_UP)) for row in waiting)
        return
    try:
        with running_host(base, *session.options) as host:
            results |= about(host)
            bench = Bench(host, base, until)
            while waiting:
                yield waiting.pop(0).measured(bench)
    except RuntimeError as error:  # it did not start
        yield from (row.said(f"failed: {first_sentence(error)}") for row in waiting)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small models")
    parser.add_argument("--minutes", type=float, default=10.0, help="after which no row is begun or waited for")
    parser.add_argument("--results", type=Path, help="the file of the records")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    path = options.results or (QUICK_RESULTS if options.quick else RESULTS)
    path.parent.mkdir(parents=True, exist_ok=True)
    size = scale(options.quick)
    results: dict = {"models": size.size}
    records: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as folder:
        base = Path(folder)
        prepare_base(base)
        shutil.copytree(PACK, base / "custom_nodes" / "dsg_gpu_measuring")
        for session in sessions(size):
            for record in measured(session, base, until, results):
                records.append(record)
                print(json.dumps(record, ensure_ascii=False), file=sys.stderr, flush=True)
                text = json.dumps(results | {"rows": records}, indent=1, ensure_ascii=False)
                path.write_text(text + "\n", encoding="utf-8")
    print(f"{results.get('device', 'no host ran')}, {size.size} models\n\n{table(records)}")


if __name__ == "__main__":
    main()
