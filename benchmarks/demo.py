"""What the pack does, in pictures: eight faces that the model has never seen, 30 % of their pixels known.

    python -m benchmarks.demo

A real ComfyUI is started headless; the template's workflow goes through its HTTP API four times: unguided, with DPS,
with DSG, and with DSG's automatic rate. `output/demo/` receives a sheet of the pictures, the curves of the run and the
numbers.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from tqdm import tqdm

from embedded.held_out import held_out_faces
from tasks.restoration import Restoration, psnr, restore, template_prompt, with_setting
from tasks.setting import Setting
from tools.comfyui import REPOSITORY
from tools.server import running_host

COUNT = 8
SETTINGS = {
    "unguided": Setting("unguided", 0, steps=20),
    "DPS": Setting("DPS", 10, steps=20),
    "DSG": Setting("DSG", 0.2, steps=20),
    "DSG, automatic": Setting("DSG", 1.0, steps=20, automatic=True),
}


def run_all() -> dict[str, Restoration]:
    results = {}
    print("Starting ComfyUI ...", flush=True)
    with running_host() as host:
        prompt = template_prompt(host)
        for name, setting in SETTINGS.items():
            with tqdm(total=setting.steps, desc=f"{name:>14}", unit="step") as bar:

                def on_step(_node: str, value: int, _most: int, bar=bar) -> None:
                    bar.update(value - bar.n)

                results[name] = restore(host, with_setting(prompt, setting, 0, COUNT), on_step)
    return results


def draw_sheet(truth: np.ndarray, results: dict[str, Restoration], path: Path) -> None:
    """One row a stage, one column a face, with the mean PSNR of each method at its row."""
    rows = [("truth", truth), ("known:\n30 % of the pixels", results["DSG"].known)]
    rows += [(f"{name}\n{psnr(r.restored, truth).mean():.1f} dB", r.restored) for name, r in results.items()]
    figure = Figure(figsize=(1.3 * COUNT + 1.6, 1.32 * len(rows)), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), COUNT)
    for axes_row, (label, pictures) in zip(grid, rows):
        for axes, picture in zip(axes_row, pictures):
            axes.imshow(picture, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        axes_row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=12)
    canvas.print_png(path)


def draw_curves(results: dict[str, Restoration], path: Path) -> None:
    """The mask loss over the steps: each face a thin line, their mean a thick one."""
    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, color in (("DPS", "tab:orange"), ("DSG", "tab:blue"), ("DSG, automatic", "tab:green")):
        steps = [(i, s["losses"]["mask"]) for i, s in enumerate(results[name].report["steps"], 1) if s["losses"]]
        numbers, losses = [i for i, _ in steps], np.array([loss for _, loss in steps])
        axes.plot(numbers, losses, color=color, alpha=0.3, linewidth=0.8)
        axes.plot(numbers, losses.mean(axis=1), color=color, linewidth=2.5, label=name)
    axes.set(xlabel="step", ylabel="distance to the known pixels", ylim=(0, None), title="The mask loss over the run")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.legend()
    canvas.print_png(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "output" / "demo")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    truth = held_out_faces()[:COUNT]
    results = run_all()
    numbers = {
        name: {"psnr_db": psnr(result.restored, truth).round(2).tolist(), "run": result.report}
        for name, result in results.items()
    }
    (folder / "report.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    draw_sheet(truth, results, folder / "sheet.png")
    draw_curves(results, folder / "loss.png")
    print("\nMean PSNR over the eight faces, higher is closer to the truth:")
    for name, result in results.items():
        print(f"  {name:>14}  {psnr(result.restored, truth).mean():5.1f} dB")
    place = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    print(f"\n{place}/sheet.png    truth, what is known, and what each method made of it")
    print(f"{place}/loss.png     the distance to the known pixels, step by step")
    print(f"{place}/report.json  the numbers")


if __name__ == "__main__":
    main()
