"""How close DSG and DPS come to masked faces, and how much their one number matters.

    python -m benchmarks.inpainting                 64 held-out faces, hours on a CPU; resumes where it was stopped
    python -m benchmarks.inpainting --steps 20      one number of steps
    python -m benchmarks.inpainting --faces 8       the first 8 faces only

30 % of the pixels known, measurement noise 0.05 (pictures in [0, 1]), every setting on the same faces, masks and noise.
Each result is written at once to `output/benchmarks/inpainting.jsonl`; the table and the figure, from all results there
are, to `benchmarks/results/`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from embedded.held_out import held_out_faces
from tasks.restoration import psnr, restore, template_prompt, with_setting
from tasks.setting import Setting
from tools.comfyui import REPOSITORY
from tools.server import Client, running_host

RATES = [0.05, 0.1, 0.2, 0.5, 1.0]
STEP_SIZES = [0.5, 1.5, 5.0, 10.0, 20.0, 50.0]  # a factor of 100
STEPS = [20, 10, 50, 100]
BATCH = 16
FACES = 64
RECORDS = REPOSITORY / "output" / "benchmarks" / "inpainting.jsonl"
RESULTS = Path(__file__).parent / "results"


def settings(steps: list[int]) -> list[Setting]:
    """The grid, one number of steps after the other."""
    grid = [("unguided", 0.0)] + [("DSG", rate) for rate in RATES] + [("DPS", size) for size in STEP_SIZES]
    return [Setting(method, strength, steps=count) for count in steps for method, strength in grid]


def key(record: dict) -> tuple:
    return record["method"], record["strength"], record["steps"], record["first"], len(record["psnr"])


def done(path: Path) -> dict[tuple, dict]:
    if not path.exists():
        return {}
    return {key(record): record for record in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def measure(host: Client, prompt: dict, setting: Setting, first: int, count: int) -> dict:
    """One batch of faces under one setting: PSNR of all pixels and of the hidden ones alone, per face."""
    truth = held_out_faces()[first : first + count]
    result = restore(host, with_setting(prompt, setting, first, count))
    hidden = (result.known == 128).all(axis=-1)
    error = np.square(result.restored / 255 - truth / 255).mean(axis=-1)
    hidden_error = (error * hidden).sum(axis=(1, 2)) / hidden.sum(axis=(1, 2))
    return {
        "method": setting.method,
        "strength": setting.strength,
        "steps": setting.steps,
        "first": first,
        "psnr": psnr(result.restored, truth).tolist(),
        "hidden_psnr": (-10 * np.log10(hidden_error)).tolist(),
    }


def run(steps: list[int], faces: int) -> None:
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    finished = done(RECORDS)
    work = [(setting, first) for setting in settings(steps) for first in range(0, faces, BATCH)]
    count = min(BATCH, faces)
    work = [(s, first) for s, first in work if (s.method, s.strength, s.steps, first, count) not in finished]
    if not work:
        return
    with running_host() as host, RECORDS.open("a", encoding="utf-8") as file:
        prompt = template_prompt(host)
        for setting, first in tqdm(work, unit="batch"):
            print(json.dumps(measure(host, prompt, setting, first, count)), file=file, flush=True)


def summary(records: list[dict]) -> list[dict]:
    """One row a setting: the number of faces, and the means over them."""
    rows = []
    for name in sorted({key(record)[:3] for record in records}):
        chosen = [record for record in records if key(record)[:3] == name]
        largest = max(len(record["psnr"]) for record in chosen)  # a trial on a few faces gives way to whole batches
        chosen = [record for record in chosen if len(record["psnr"]) == largest]
        values = {metric: np.concatenate([record[metric] for record in chosen]) for metric in ("psnr", "hidden_psnr")}
        row = {"method": name[0], "strength": name[1], "steps": name[2], "faces": len(values["psnr"])}
        rows.append(row | {metric: round(float(value.mean()), 2) for metric, value in values.items()})
    return rows


def draw(rows: list[dict], path: Path) -> None:
    """PSNR over each method's one number, one line for each number of steps, both on the same scale."""
    figure = Figure(figsize=(9, 3.8), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, method, number in zip(panels, ("DSG", "DPS"), ("guidance rate", "step size")):
        for steps, color in zip(sorted(STEPS), ("tab:purple", "tab:blue", "tab:green", "tab:orange")):
            chosen = [row for row in rows if row["method"] == method and row["steps"] == steps]
            points = sorted((row["strength"], row["psnr"]) for row in chosen)
            if points:
                label = f"{steps} steps, {chosen[0]['faces']} faces"
                axes.plot(*zip(*points), "o-", color=color, label=label)
        axes.set(xscale="log", xlabel=number, title=method)
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("PSNR, dB")
    panels[0].legend()
    canvas.print_png(path)


def table(rows: list[dict]) -> str:
    """Markdown: settings down, steps across."""
    steps = sorted({row["steps"] for row in rows})
    faces = {row["steps"]: row["faces"] for row in rows}
    heads = [f"{count} steps, {faces[count]} faces" for count in steps]
    lines = ["| method | " + " | ".join(heads) + " |", "|---" * (len(steps) + 1) + "|"]
    cells = {(row["method"], row["strength"], row["steps"]): f"{row['psnr']:.1f}" for row in rows}
    for method, strength in dict.fromkeys((row["method"], row["strength"]) for row in rows):
        number = {"DSG": f", rate {strength:g}", "DPS": f", step size {strength:g}"}.get(method, "")
        found = [cells.get((method, strength, count), "") for count in steps]
        lines.append(f"| {method}{number} | " + " | ".join(found) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="*", default=STEPS, choices=STEPS)
    parser.add_argument("--faces", type=int, default=FACES, choices=[8, *range(BATCH, FACES + 1, BATCH)])
    options = parser.parse_args()
    run(options.steps, options.faces)
    rows = summary(list(done(RECORDS).values()))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "inpainting.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    draw(rows, RESULTS / "inpainting.png")
    print(table(rows))


if __name__ == "__main__":
    main()
