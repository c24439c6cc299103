"""One figure of all tasks: how closely a method follows what was asked, over how far its pictures lie from faces."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .tables import COLUMNS, DISTANCE, ROWS, first_figure

MARKS = dict(zip(COLUMNS, ["C7x", "C0s", "C2^", "C1o", "C3o"]))
ACROSS = 5


def draw_alignment(results: dict[str, list[dict]], path: Path) -> None:
    """A panel a task, a point a method: better is up and left.

    Args:
        results: task → rows, as in `benchmarks/results/tasks.json`.
    """
    figure = Figure(figsize=(13, 5.6), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(2, ACROSS)
    for axes, (task, (label, _)) in zip(panels.flat, ROWS.items()):
        for row in results[task]:
            if row["method"] in MARKS:
                mark = MARKS[row["method"]]
                axes.plot(row[DISTANCE], first_figure(row), mark[2:], color=mark[:2], label=row["method"], markersize=7)
        axes.set_title(label.replace(": ", "\n"), fontsize=9)
        axes.grid(alpha=0.25)
    for axes in panels[-1]:
        axes.set_xlabel("Fréchet distance to faces")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    canvas.print_png(path)
