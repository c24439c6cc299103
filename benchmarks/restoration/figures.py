"""Quality over passes, and the first pictures, none selected."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch.nn import functional as F

from .contender import Contender
from .network import network
from .problem import SIDE, TASKS, Problem, problem

BEST = "this pack: automatic, noise untold"
ONCE = "this pack: automatic, each step once"
REPEATED = "this pack: automatic, few steps repeated"
LINES = {
    ONCE: ("C3", "o-"),
    REPEATED: ("C3", "*"),
    "this pack: DSG, rate 0.2": ("C1", "o-"),
    "azula: DPS": ("C0", "s--"),
    "azula: MMPS, 3 iterations": ("C9", "s--"),
    "deepinv: DiffPIR, ζ 1": ("C2", "^:"),
    "deepinv: DDRM": ("C4", "^:"),
    "deepinv: DPS": ("C7", "^:"),
}
SHOWN = [BEST, "azula: DPS", "azula: MMPS, 3 iterations", "deepinv: DiffPIR, ζ 1"]
PEOPLE, STEPS = 4, 20


def renamed(rows: list[dict]) -> list[dict]:
    """The automatic rate's rows by what they are: with many steps each is taken once."""
    few = any(row["contender"] == ONCE for row in rows)
    names = {BEST: REPEATED if few else ONCE}
    return [row | {"contender": names.get(row["contender"], row["contender"])} for row in rows]


def draw_curves(results: dict[str, dict], path: Path) -> None:
    """PSNR over passes forward and backward, a point for each number of steps.

    Args:
        results: "model, n steps, m people" → its `rows`.
    """
    models = list(dict.fromkeys(name.split(", ")[0] for name in results))
    figure = Figure(figsize=(11, 3.3 * len(models) + 0.5), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(len(models), len(TASKS), sharex=True, squeeze=False)
    for line, model in zip(panels, models):
        runs = [renamed(found["rows"]) for name, found in results.items() if name.split(", ")[0] == model]
        rows = [row for run in runs for row in run]
        for axes, task in zip(line, TASKS):
            for contender, (color, style) in LINES.items():
                chosen = [row for row in rows if (row["contender"], row["task"]) == (contender, task)]
                points = sorted((row["forward"] + row["backward"], row["PSNR, dB"]) for row in chosen)
                if points:
                    size = 9 if style == "*" else 4
                    axes.plot(*zip(*points), style, color=color, label=contender, markersize=size, linewidth=1.3)
            axes.set(xscale="log", title=f"{task} ({model})", ylim=(22, None))
            axes.grid(alpha=0.25)
        line[0].set_ylabel("PSNR, dB")
    for axes in panels[-1]:
        axes.set_xlabel("passes, forward and backward")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    canvas.print_png(path)


def seen(asked: Problem) -> np.ndarray:
    """What was measured, as pictures `[B, 64, 64, 3]` in [0, 1]; hidden pixels grey."""
    measured = asked.measured
    if asked.known is not None:
        measured = measured + 0.5 * (1 - asked.known)
    return F.interpolate(measured, (SIDE, SIDE)).clamp(0, 1).movedim(1, -1).numpy()


def draw_sheet(model: str, contenders: list[Contender], strengths: dict[tuple[str, str], float], path: Path) -> None:
    """The first people by each of `SHOWN`, a block of rows a task, each at its best number: (name, task) → number."""
    figure = Figure(figsize=(11, 1.72 * len(TASKS) + 0.35), dpi=110)
    canvas = FigureCanvasAgg(figure)
    columns = ["measured", *SHOWN, "truth"]
    grid = figure.add_gridspec(
        len(TASKS), len(columns), left=0.025, right=0.998, bottom=0.005, top=0.95, wspace=0.03, hspace=0.03
    )
    by_name = {each.name: each for each in contenders}
    for line, task in enumerate(TASKS):
        asked = problem(task, 0, PEOPLE)
        blocks = {"measured": seen(asked), "truth": asked.truth.movedim(1, -1).numpy()}
        for name in SHOWN:
            made = by_name[name].restore(network(model), asked, STEPS, strengths[name, task])
            blocks[name] = made.detach().clamp(0, 1).movedim(1, -1).numpy()
        for place, name in enumerate(columns):
            axes = figure.add_subplot(grid[line, place])
            pairs = [np.concatenate(list(blocks[name][start : start + 2]), axis=1) for start in range(0, PEOPLE, 2)]
            axes.imshow(np.concatenate(pairs), interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            if line == 0:
                axes.set_title(name.replace(", noise untold", ""), fontsize=8)
            if place == 0:
                axes.set_ylabel(task, fontsize=8)
    canvas.print_png(path)
