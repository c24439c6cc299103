"""Each task by DSG, DPS, FreeDoM and unguided, judged by networks that guidance never sees.

    python -m benchmarks.tasks                     all tasks, one to two hours on a CPU; goes on where it was stopped
    python -m benchmarks.tasks --task FaceID       one task

20 steps of the embedded flow-matching model. Each method's one number is the best of a grid on 16 people; the figures
are of 64 others. They go to `benchmarks/results/tasks.json`, a figure of the first pictures beside it.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.tasks.figure import draw
from benchmarks.tasks.pictures import MEASURED, TUNING, alignment, figures, pictures
from tasks.setting import UNGUIDED, Setting
from tasks.task import TASKS
from tools.server import Client, running_host

RATES = [0.02, 0.05, 0.1, 0.2]
SHARES = [0.3, 1.0]
STEP_SIZES = [3.0, 10.0, 30.0, 100.0, 300.0]
GRIDS = {
    "DSG": [Setting("DSG", rate, "spherical") for rate in RATES],
    "DSG, automatic rate": [Setting("DSG", share, "spherical", automatic=True) for share in SHARES],
    "DPS": [Setting("DPS", size) for size in STEP_SIZES],
    "FreeDoM": [Setting("FreeDoM", size) for size in STEP_SIZES],
}
RESULTS = Path(__file__).parent.parent / "results" / "tasks.json"


def measure(host: Client, task: str) -> list[dict]:
    """One row a method: its best number, how the grid did on the people for tuning, the figures of the others."""
    rows: list[dict] = [{"method": "unguided"} | figures(host, task, UNGUIDED, MEASURED)]
    for method, grid in GRIDS.items():
        found = [alignment(host, task, setting, TUNING) for setting in grid]
        setting = grid[int(np.argmax(found))]
        tried = {f"{each.strength:g}": value for each, value in zip(grid, found)}
        row = {"method": method, "strength": setting.strength, "grid": tried}
        rows.append(row | figures(host, task, setting, MEASURED))
    return rows


def shown(host: Client, task: str, rows: list[dict]) -> dict[str, np.ndarray]:
    """The first batch by DPS and DSG, each at its best number, and unguided."""
    made = {"unguided": pictures(host, task, UNGUIDED, MEASURED[0])}
    for row in rows:
        if row["method"] in ("DPS", "DSG"):
            setting = next(each for each in GRIDS[row["method"]] if each.strength == row["strength"])
            made[row["method"]] = pictures(host, task, setting, MEASURED[0])
    return made


def table(results: dict[str, list[dict]]) -> str:
    """Markdown: each task's figures down, methods across."""
    methods = [row["method"] for row in next(iter(results.values()))]
    lines = ["| | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    for task, rows in results.items():
        for figure in rows[0]:
            if figure != "method":
                lines.append(f"| {task}: {figure} | " + " | ".join(f"{row[figure]:.3g}" for row in rows) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(TASKS), nargs="*", default=list(TASKS))
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with running_host() as host:
        for task in tqdm(options.task, unit="task"):
            results[task] = measure(host, task)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        there = [task for task in TASKS if task in results and task != "inpainting"]  # which has a figure of its own
        draw({task: shown(host, task, results[task]) for task in there}, MEASURED[0], RESULTS.with_suffix(".png"))
    print(table({task: results[task] for task in TASKS if task in results}))


if __name__ == "__main__":
    main()
