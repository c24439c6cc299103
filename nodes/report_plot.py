"""Draws a run's report."""

import textwrap

import numpy as np

from ..guidance_losses import needed_packages
from ..sampling import RunReport

LINE = 100  # letters


def cost_line(report: RunReport) -> str:
    """What each loss costs in a guided step, beside the model and the decoder."""
    costs = [f"{name} {cost.seconds * 1000:.3g} ms, {cost.megabytes:.3g} MB" for name, cost in report.costs.items()]
    return "cost of a guided step: " + "; ".join(costs) if costs else ""


def plot_report(report: RunReport) -> np.ndarray:
    """Each loss, the gradient norm and the rate over the steps, samples as thin lines. Returns uint8 `[H, W, 3]`.

    Raises:
        InputError: in one sentence, if matplotlib is missing.
    """
    with needed_packages():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

    guided = [(number, step) for number, step in enumerate(report.steps, 1) if step.gradient_norm]
    names = list(dict.fromkeys(name for _, step in guided for name in step.losses))
    curves = [(f"loss: {name}", [(n, s.losses[name]) for n, s in guided if name in s.losses]) for name in names]
    curves.append(("gradient norm", [(n, s.gradient_norm) for n, s in guided]))
    curves.append(("guidance rate", [(n, [s.guidance_rate]) for n, s in guided if s.guidance_rate is not None]))
    curves = [(title, points) for title, points in curves if points]

    figure = Figure(figsize=(7, 2.2 * max(len(curves), 1) + 0.6), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    title = f"{report.method}: {report.guided_steps} of {len(report.steps)} steps guided"
    figure.suptitle(title + (f", {report.skipped} skipped" if report.skipped else ""))
    for axes, (name, points) in zip(np.atleast_1d(figure.subplots(max(len(curves), 1), 1, sharex=True)), curves):
        numbers, values = [number for number, _ in points], np.array([value for _, value in points])
        axes.plot(numbers, values, color="tab:blue", alpha=0.35, linewidth=0.8)
        axes.plot(numbers, values.mean(axis=1), color="tab:blue", linewidth=2, marker=".")
        axes.set_ylabel(name, parse_math=False)
        axes.set_ylim(bottom=0)
        axes.set_xlim(0.5, len(report.steps) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
    figure.axes[-1].set_xlabel("step")
    notes = [line for note in (cost_line(report), *report.remarks) for line in textwrap.wrap(note, LINE)]
    figure.supxlabel("\n".join(notes), fontsize="small", parse_math=False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
