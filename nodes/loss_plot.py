"""Draws what losses see."""

import textwrap
from typing import NamedTuple

import numpy as np

from ..guidance_losses import needed_packages

MOST = 4  # pictures of a batch that are shown
LINE = 22  # letters


class Seen(NamedTuple):
    """What one loss sees: `asked`, pictures or words, and `made`, pictures `[h, w, 3]` in [0, 1]."""

    name: str
    values: list[float]
    asked: list[np.ndarray] | str
    made: list[np.ndarray]


def plot_losses(rows: list[Seen]) -> np.ndarray:
    """A row a loss: on the left what is asked for, beside it what is there, with its value. uint8 `[H, W, 3]`.

    Raises:
        InputError: in one sentence, if matplotlib is missing.
    """
    with needed_packages():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    columns = 1 + min(max(len(row.made) for row in rows), MOST)
    figure = Figure(figsize=(2.4 * columns, 2.7 * len(rows)), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for line, row in zip(figure.subplots(len(rows), columns, squeeze=False), rows):
        cells = [row.asked if isinstance(row.asked, str) else row.asked[0], *row.made[: columns - 1]]
        titles = [f"{row.name}: asked", *(f"{value:.4g}" for value in row.values)]
        for axes, picture, title in zip(line, cells, titles):
            axes.set_title(title, fontsize=9, parse_math=False)
            if isinstance(picture, str):
                axes.text(0.5, 0.5, textwrap.fill(picture, LINE), ha="center", va="center", parse_math=False)
            else:
                axes.imshow(picture, interpolation="nearest")
        for axes in line:
            axes.axis("off")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
