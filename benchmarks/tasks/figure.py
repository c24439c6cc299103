"""One figure of all tasks: what was asked, and what the model makes of it unguided, by DPS and by DSG."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch.nn import functional as F

from embedded.held_out import STYLES, held_out_faces
from guidance_losses import blur, gaussian_kernel, shrink
from tasks.judging import tensor
from tasks.wiring import BLUR_SIZE, BLUR_STD, FACTOR, NOISE, TEXTS, Batch

SHOWN = 4
COLUMNS = ["asked", "unguided", "DPS", "DSG"]


def asked(task: str, batch: Batch) -> list[np.ndarray | str]:
    """Pictures `[64, 64, 3]` in [0, 1] and sentences: what the first pictures of a batch are guided by."""
    faces = tensor(held_out_faces()[batch.people])
    noise = NOISE * torch.randn(faces.shape, generator=torch.Generator().manual_seed(0))
    if task == "super-resolution":
        small = shrink(faces, FACTOR, "bicubic")
        faces = F.interpolate(small + noise[:, :, : small.shape[2], : small.shape[3]], scale_factor=FACTOR)
    if task == "deblurring":
        faces = blur(faces, gaussian_kernel(BLUR_SIZE, BLUR_STD)) + noise
    if task in ("style", "text and style"):
        faces = faces[batch.number % len(STYLES) :: len(STYLES)]
    given: list[np.ndarray | str] = [face.movedim(0, -1).clamp(0, 1).numpy() for face in faces[:SHOWN]]
    if task == "text":
        return [TEXTS[batch.number % len(TEXTS)][0]]
    return [TEXTS[batch.number % len(TEXTS)][0], *given[: SHOWN - 1]] if task.startswith("text") else given


def draw(rows: dict[str, dict[str, np.ndarray]], batch: Batch, path: Path) -> None:
    """A row a task.

    Args:
        rows: task → a column's name → uint8 `[N, 64, 64, 3]`, of which the first four are shown.
    """
    figure = Figure(figsize=(13, 0.72 * len(rows) + 0.3), dpi=100)
    canvas = FigureCanvasAgg(figure)
    widths = [2.1] + ([1] * SHOWN + [0.25]) * len(COLUMNS)
    space = {"left": 0.005, "right": 0.995, "bottom": 0.005, "top": 1 - 0.3 / (0.72 * len(rows) + 0.3)}
    grid = figure.add_gridspec(len(rows), len(widths), width_ratios=widths, wspace=0.04, hspace=0.08, **space)
    for number, (task, made) in enumerate(rows.items()):
        name = figure.add_subplot(grid[number, 0])
        name.text(0, 0.5, task.replace(" and ", "\nand ").replace("-", "-\n"), va="center", fontsize=10)
        name.axis("off")
        for place, column in enumerate(COLUMNS):
            pictures = asked(task, batch) if column == "asked" else list(made[column])
            for item, picture in enumerate(pictures[:SHOWN]):
                axes = figure.add_subplot(grid[number, 1 + place * (SHOWN + 1) + item])
                axes.axis("off")
                if isinstance(picture, str):
                    axes.text(0, 0.5, picture.replace(" ", "\n", 3).replace("\n", " ", 1), va="center", fontsize=8)
                else:
                    axes.imshow(picture, interpolation="nearest")
                if number == 0 and item == 0:
                    axes.set_title(column, loc="left", fontsize=11)
    canvas.print_png(path)
