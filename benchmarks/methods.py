"""Every method with the spherical constraint and without it, on three tasks.

    python -m benchmarks.methods                        20 steps of the flow-matching model, an hour on a CPU
    python -m benchmarks.methods --steps 50 --model faces

Without the constraint, a method's step size is the best of a grid on 16 people; with it, there is a rate of 0.2 and
nothing to search. The figures are of 16 others. They go to `benchmarks/results/methods.json`.
"""

import argparse
import json
from pathlib import Path

from tqdm import tqdm

from benchmarks.tasks.pictures import MEASURED, alignment, figures
from benchmarks.tasks.setting import FLOW, NOISE_PREDICTION, UNGUIDED, Setting
from benchmarks.tasks.task import TASKS
from sampling import METHODS
from tools.server import Client, running_host

CHOSEN = ["inpainting", "segmentation", "FaceID"]
STEP_SIZES = [10.0, 30.0, 100.0]
RATE = 0.2
FIRST = range(MEASURED[0], MEASURED[0] + 1)
RESULTS = Path(__file__).parent / "results" / "methods.json"


def figure(host: Client, task: str, setting: Setting) -> float:
    """What the task is about, on the people who measure."""
    return next(iter(figures(host, task, setting, FIRST).values()))


def measure(host: Client, method: str, task: str, model: str, steps: int) -> dict[str, float]:
    """The task's figure with the constraint and without, and the step size that the latter takes. DSG has none."""
    row = {"spherical": figure(host, task, Setting(method, RATE, "spherical", steps=steps, model=model))}
    if method != "DSG":
        grid = [Setting(method, size, steps=steps, model=model) for size in STEP_SIZES]
        best = max(grid, key=lambda setting: alignment(host, task, setting))
        row |= {"none": figure(host, task, best), "step size": best.strength}
    return row


def table(rows: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown: methods down, tasks across; each without the constraint → with it."""
    tasks = list(next(iter(rows.values())))
    lines = ["| method | " + " | ".join(tasks) + " |", "|---" * (len(tasks) + 1) + "|"]
    for method, row in rows.items():
        cells = [
            f"{row[task]['none']} → {row[task]['spherical']}" if "none" in row[task] else str(row[task]["spherical"])
            for task in tasks
        ]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--model", choices=[FLOW, NOISE_PREDICTION], default=FLOW)
    parser.add_argument("--task", choices=list(TASKS), nargs="*", default=CHOSEN)
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    key = f"{options.model}, {options.steps} steps"
    with running_host() as host:
        unguided = Setting(UNGUIDED.method, steps=options.steps, model=options.model)
        rows: dict[str, dict] = {"unguided": {t: {"spherical": figure(host, t, unguided)} for t in options.task}}
        for method in tqdm(METHODS, unit="method"):
            rows[method] = {task: measure(host, method, task, options.model, options.steps) for task in options.task}
            results[key] = rows
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
