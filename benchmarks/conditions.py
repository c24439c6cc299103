"""Conditions that no paper has judged, beside unguided pictures: tiling, QR codes and simple wishes.

    python -m benchmarks.conditions                  an hour on a CPU; goes on where it was stopped
    python -m benchmarks.conditions --task tiling    one condition
    python -m benchmarks.conditions --table          the table of the last run

64 pictures at 20 and at 50 steps of the embedded flow-matching model, with standard errors. Results go to
`benchmarks/results/conditions.json`, a figure of the first pictures at 20 steps beside it.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from benchmarks.tasks.pictures import MEASURED, distance_to_faces, pictures
from tasks.setting import UNGUIDED, Setting
from tasks.task import CONDITIONS
from tools.server import Client, running_host

SETTINGS = {
    "tiling": Setting("DSG", 0.05, "spherical"),
    "QR code": Setting("MPGD", 0.5, "spherical"),
    "colour at a place": Setting("DSG", 0.1, "spherical"),
    "symmetry": Setting("DSG", 0.1, "spherical"),
    "brightness": Setting("DSG", 0.05, "spherical"),
    "objects": Setting("DSG", 0.2),
    "landmarks": Setting("DSG", 0.1),
    "depth": Setting("DSG", 0.2),
    "pose": Setting("DSG", 0.1),
    "classifier": Setting("DSG", 0.05),
    "similarity": Setting("DSG", 0.1),
    "reward": Setting("DSG", 0.1),
    "reward, no goal": Setting("DSG", 0.1),
}
STEPS = [20, 50]
SHOWN = 10
RESULTS = Path(__file__).parent / "results" / "conditions.json"


def measure(host: Client, task: str, setting: Setting) -> dict[str, list[float]]:
    """Figure → its mean over the pictures and its standard error; and the Fréchet distance to the test faces."""
    made = [pictures(host, task, setting, batch) for batch in MEASURED]
    each = [CONDITIONS[task].judge(*pair) for pair in zip(made, MEASURED)]
    found: dict[str, list[float]] = {}
    for name in each[0]:
        values = np.concatenate([figures[name] for figures in each])
        found[name] = [round(float(number), 4) for number in (values.mean(), values.std(ddof=1) / len(values) ** 0.5)]
    return found | {"Fréchet distance": [distance_to_faces(made)]}


def table(results: dict[str, dict]) -> str:
    lines = ["| condition | steps | | unguided | guided |", "|---|---|---|---|---|"]
    for key, row in results.items():
        task, steps = key.rsplit(", ", 1)
        for name in row["guided"]:
            cells = [" ± ".join(f"{number:.3g}" for number in row[how][name]) for how in ("unguided", "guided")]
            lines.append(f"| {task} | {steps} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(rows: dict[str, np.ndarray], path: Path) -> None:
    """The first pictures of each row, uint8 `[N, 64, 64, 3]`; those that tile as four copies."""
    figure = Figure(figsize=(9, 0.83 * len(rows)), dpi=100)
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(rows), 1, left=0.13, right=0.998, bottom=0.004, top=0.996, hspace=0.04)
    for place, (label, shown) in enumerate(rows.items()):
        tiles = (2, 2, 1) if label == "tiling" else (1, 1, 1)
        axes = figure.add_subplot(grid[place])
        axes.imshow(np.concatenate([np.tile(picture, tiles) for picture in shown[:SHOWN]], axis=1))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    canvas.print_png(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(SETTINGS), nargs="*", default=list(SETTINGS))
    parser.add_argument("--steps", type=int, choices=STEPS, nargs="*", default=STEPS)
    parser.add_argument("--table", action="store_true", help="print the table of the last run")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if options.table:
        print(table(results))
        return
    with running_host() as host:
        for steps in tqdm(options.steps, unit="steps"):
            for task in options.task:
                ways = {"unguided": UNGUIDED, "guided": SETTINGS[task]}
                row = {name: measure(host, task, replace(way, steps=steps)) for name, way in ways.items()}
                results[f"{task}, {steps}"] = row | {"method": SETTINGS[task].method, "rate": SETTINGS[task].strength}
                RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        shown = {"unguided": UNGUIDED} | {task: SETTINGS[task] for task in SETTINGS if f"{task}, {STEPS[0]}" in results}
        made = {task: pictures(host, task, way, MEASURED[0]) for task, way in shown.items()}
        draw(made, RESULTS.with_suffix(".png"))
    print(table(results))


if __name__ == "__main__":
    main()
