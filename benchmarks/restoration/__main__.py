"""Restoration by this pack beside azula and deepinv: same network, noise, masks and people.

    python -m benchmarks.restoration                       20 steps, 32 people, twenty minutes on a CPU (`make bench`)
    python -m benchmarks.restoration --steps 5 8 10 20 50 100 --people 64 --model faces "faces (flow matching)"
    python -m benchmarks.restoration --steps 1000 --task inpainting --contender "this pack: DPS"
                                                           two hours; with more than 100 steps, beside the automatic
                                                           rate at 20
    python -m benchmarks.restoration --table               tables and plots of all that was measured

Each method's one number is chosen on four people that no figure is of; from the grid's middle it climbs to where it is
best. Each result is kept in `output/benchmarks/restoration.jsonl`, so the command goes on where it was stopped; delete
that file after a change of the sampler. The figures go to `benchmarks/results/restoration.json`, plots and pictures
beside it.
"""

import argparse
import json
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tasks.judging import face_judge
from tools.comfyui import REPOSITORY

from .contender import Contender
from .figures import BEST, ONCE, STEPS, draw_curves, draw_sheet
from .network import Network, network
from .problem import TASKS, problem

RECORDS = REPOSITORY / "output" / "benchmarks" / "restoration.jsonl"
RESULTS = Path(__file__).parent.parent / "results" / "restoration.json"
BATCH = 16
TUNING_FIRST, TUNING_PEOPLE = 64, 4
MODELS = ["faces", "faces (flow matching)"]
LONG = 100  # steps; the automatic rate, beside which others stand, takes no more
COMPARED_WITH = BEST, ONCE  # person by person: the latter, which with more than 12 steps is the former


def contenders() -> list[Contender]:
    from . import azula_peers, comfyui_peer, deepinv_peers, ours

    peers = azula_peers, deepinv_peers, comfyui_peer
    return [each for module in (ours, *peers) for each in module.CONTENDERS]


def climbed(strengths: tuple[float, ...], quality: Callable[[float], float]) -> float:
    """The best of the middle three, and of those beside them for as long as an outer one is the best."""
    low = max(len(strengths) // 2 - 1, 0)
    high = min(low + 3, len(strengths))
    known: dict[float, float] = {}
    while True:
        known |= {each: quality(each) for each in strengths[low:high] if each not in known}
        place = strengths.index(max(known, key=lambda each: known[each]))
        if low < place < high - 1 or place in (0, len(strengths) - 1) or high - low < 2:
            return strengths[place]
        low, high = min(low, max(place - 1, 0)), max(high, min(place + 2, len(strengths)))


class Ledger:
    """What was measured, in a file, by its key."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.known = {tuple(record["key"]): record for record in map(json.loads, lines)}

    def get(self, key: tuple, make: Callable[[], dict]) -> dict:
        if key not in self.known:
            self.known[key] = {"key": list(key)} | make()
            with self.path.open("a", encoding="utf-8") as file:
                print(json.dumps(self.known[key]), file=file)
        return self.known[key]


def measure(net: Network, contender: Contender, task: str, steps: int, strength: float, first: int, count: int) -> dict:
    """One batch: PSNR and perceptual distance of each picture, and the passes through the network per picture."""
    asked = problem(task, first, count)
    net.passes = net.gradients = 0
    made = contender.restore(net, asked, steps, strength).detach().clamp(0, 1)
    made = (made * 255).round() / 255
    psnr = -10 * (made - asked.truth).square().mean((1, 2, 3)).log10()
    return {
        "psnr": psnr.tolist(),
        "distance": face_judge().perceptual_distance(made, asked.truth).tolist(),
        "passes": net.passes,
        "gradients": net.gradients,
    }


def row(ledger: Ledger, model: str, contender: Contender, task: str, steps: int, people: int) -> dict:
    """The contender at its best number, on all people."""
    net = network(model)
    if steps > LONG and contender.name in COMPARED_WITH:
        steps = STEPS

    def at(strength: float, first: int, count: int) -> dict:
        key = model, contender.name, task, steps, strength, first, count
        return ledger.get(key, lambda: measure(net, contender, task, steps, strength, first, count))

    strength = contender.strengths[0]
    if len(contender.strengths) > 1:
        strength = climbed(
            contender.strengths, lambda each: float(np.mean(at(each, TUNING_FIRST, TUNING_PEOPLE)["psnr"]))
        )
    batches = [at(strength, first, BATCH) for first in range(0, people, BATCH)]
    each = {figure: [value for batch in batches for value in batch[figure]] for figure in ("psnr", "distance")}
    one = BATCH if batches[0]["passes"] >= BATCH * steps else 1  # some take each picture by itself
    return {
        "contender": contender.name,
        "task": task,
        "strength": strength,
        "forward": round(batches[0]["passes"] / one),
        "backward": round(batches[0]["gradients"] / one),
        **each,
    }


def summary(rows: list[dict]) -> list[dict]:
    """Means with standard errors, and the difference to one of `COMPARED_WITH`, person by person."""
    best = {each["task"]: each for name in COMPARED_WITH for each in rows if each["contender"] == name}
    found = []
    for each in rows:
        difference = np.subtract(each["psnr"], best[each["task"]]["psnr"])
        error = 1 / np.sqrt(len(difference))
        found.append(
            {name: each[name] for name in ("contender", "task", "strength", "forward", "backward")}
            | {
                "PSNR, dB": round(float(np.mean(each["psnr"])), 2),
                "standard error": round(float(np.std(each["psnr"], ddof=1) * error), 2),
                "worst": round(float(np.min(each["psnr"])), 1),
                "perceptual distance": round(float(np.mean(each["distance"])), 3),
                "behind": round(float(-difference.mean()), 2),
                "behind, standard error": round(float(difference.std(ddof=1) * error), 2),
            }
        )
    return found


def merged(old: list[dict], new: list[dict]) -> list[dict]:
    """The rows of a run of some contenders among those of an earlier one."""
    known = {(row["contender"], row["task"]): row for row in [*old, *new]}
    order = [each.name for each in contenders()]
    return sorted(known.values(), key=lambda row: (order.index(row["contender"]), TASKS.index(row["task"])))


def table(rows: list[dict]) -> str:
    """Markdown: contenders down, tasks across: PSNR ± standard error, perceptual distance in brackets."""
    names = list(dict.fromkeys(each["contender"] for each in rows))
    cells = {(each["contender"], each["task"]): each for each in rows}
    lines = ["| method | " + " | ".join(TASKS) + " | forward / backward |", "|---" * (len(TASKS) + 2) + "|"]
    for name in names:
        there = [cells.get((name, task)) for task in TASKS]
        shown = [
            f"{each['PSNR, dB']:.1f} ± {each['standard error']:.1f} ({each['perceptual distance']:.3f})"
            if each
            else "–"
            for each in there
        ]
        passes = next(f"{each['forward']} / {each['backward']}" for each in there if each)
        lines.append(f"| {name} | " + " | ".join(shown) + f" | {passes} |")
    return "\n".join(lines)


def provenance() -> dict[str, str]:
    """What the figures are of."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    packages = {name: version(name) for name in ("torch", "azula", "deepinv")}
    return {"commit": commit.stdout.strip(), "python": platform.python_version()} | packages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="*", default=[20])
    parser.add_argument("--people", type=int, default=32, choices=range(BATCH, 65, BATCH), metavar="16..64")
    parser.add_argument("--model", nargs="*", choices=MODELS, default=MODELS[:1])
    parser.add_argument("--contender", nargs="*", help="these alone, beside the automatic rate")
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if not options.table:
        ledger = Ledger(RECORDS)
        chosen = [each for each in contenders() if each.name in [*COMPARED_WITH, *(options.contender or [each.name])]]
        for model in options.model:
            for steps in options.steps:
                able = [each for each in chosen if steps <= each.most_steps]
                work = [(each, task) for each in able for task in options.task if task in each.tasks]
                name = f"{model}, {steps} steps, {options.people} people"
                rows = [row(ledger, model, each, task, steps, options.people) for each, task in tqdm(work, desc=name)]
                old = results.get(name, {"rows": []})["rows"]
                results[name] = {"rows": merged(old, summary(rows))} | provenance()
                RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draw_curves(results, RESULTS.with_suffix(".png"))
    first = next(found for name, found in results.items() if name.startswith(f"{MODELS[0]}, {STEPS} steps"))
    strengths = {(each["contender"], each["task"]): each["strength"] for each in first["rows"]}
    draw_sheet(MODELS[0], contenders(), strengths, RESULTS.with_name("restoration_pictures.png"))
    for name, found in results.items():
        print(name, table(found["rows"]), sep="\n\n", end="\n\n")


if __name__ == "__main__":
    main()
