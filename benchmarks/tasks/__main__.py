"""Each task by DSG, DPS, FreeDoM and unguided, judged by networks that guidance never sees.

    python -m benchmarks.tasks                     all tasks, one to two hours on a CPU; goes on where it was stopped
    python -m benchmarks.tasks --task FaceID       one task
    python -m benchmarks.tasks --method FreeDoM    one method again, and the figure of pictures as it was

20 steps of the embedded flow-matching model. Each method's one number is the best of a grid on 16 people, but for the
automatic rate, which has none; the figures are of 64 others. They go to `benchmarks/results/tasks.json`, a figure of
the first pictures beside it.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.tasks.alignment import draw_alignment
from benchmarks.tasks.figure import draw
from benchmarks.tasks.pictures import MEASURED, TUNING, alignment, figures, pictures
from benchmarks.tasks.tables import whole
from tasks.setting import UNGUIDED, Setting
from tasks.task import TASKS
from tools.server import Client, running_host

RATES = [0.02, 0.05, 0.1, 0.2]
STEP_SIZES = [3.0, 10.0, 30.0, 100.0, 300.0]
GRIDS = {
    "unguided": [UNGUIDED],
    "DSG": [Setting("DSG", rate, "spherical") for rate in RATES],
    "DSG, automatic rate": [Setting("DSG", 1.0, "spherical", automatic=True)],
    "DPS": [Setting("DPS", size) for size in STEP_SIZES],
    "FreeDoM": [Setting("FreeDoM", size) for size in STEP_SIZES],
}
METHODS = list(GRIDS)
RESULTS = Path(__file__).parent.parent / "results" / "tasks.json"


def measure(host: Client, task: str, method: str) -> dict:
    """A method's row: its best number, how the grid did on the people for tuning, the figures of the others."""
    grid = GRIDS[method]
    row: dict = {"method": method}
    if len(grid) > 1:
        found = [alignment(host, task, setting, TUNING) for setting in grid]
        tried = {f"{each.strength:g}": value for each, value in zip(grid, found)}
        grid = [grid[int(np.argmax(found))]]
        row |= {"strength": grid[0].strength, "grid": tried}
    return row | figures(host, task, grid[0], MEASURED)


def shown(host: Client, task: str, rows: list[dict]) -> dict[str, np.ndarray]:
    """The first batch by DPS and DSG, each at its best number, and unguided."""
    made = {"unguided": pictures(host, task, UNGUIDED, MEASURED[0])}
    for row in rows:
        if row["method"] in ("DPS", "DSG"):
            setting = next(each for each in GRIDS[row["method"]] if each.strength == row["strength"])
            made[row["method"]] = pictures(host, task, setting, MEASURED[0])
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(TASKS), nargs="*", default=list(TASKS))
    parser.add_argument("--method", choices=METHODS, nargs="*", default=METHODS)
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with running_host() as host:
        for task in tqdm(options.task, unit="task"):
            rows = {row["method"]: row for row in results.get(task, [])}
            rows |= {method: measure(host, task, method) for method in options.method}
            results[task] = [rows[method] for method in METHODS if method in rows]
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        if options.method == METHODS:
            there = [task for task in TASKS if task in results and task != "inpainting"]  # which has its own figure
            draw({task: shown(host, task, results[task]) for task in there}, MEASURED[0], RESULTS.with_suffix(".png"))
    if len(results) == len(TASKS):
        draw_alignment(results, RESULTS.with_name("tasks_alignment.png"))
    print(whole({task: results[task] for task in TASKS if task in results}))


if __name__ == "__main__":
    main()
