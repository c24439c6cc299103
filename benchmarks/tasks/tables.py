"""The tasks' figures as Markdown."""

from typing import NamedTuple

import numpy as np


class Shown(NamedTuple):
    """How the pages name a task's first figure, and write it."""

    label: str
    number: str


ROWS = {
    "inpainting": Shown("inpainting, 30 % known: PSNR", "{:.1f} dB"),
    "super-resolution": Shown("super-resolution ×4: PSNR", "{:.1f} dB"),
    "deblurring": Shown("deblurring, std 1.5: PSNR", "{:.1f} dB"),
    "segmentation": Shown("segmentation: mean IoU", "{:.2f}"),
    "FaceID": Shown("FaceID: the right one of 100 people", "{:.0%}"),
    "style": Shown("style: the right one of four", "{:.0%}"),
    "text": Shown("text: the attribute is shown", "{:.0%}"),
    "text and style": Shown("text and style: both", "{:.0%}"),
    "text and segmentation": Shown("text and segmentation: IoU where shown", "{:.2f}"),
    "FaceID and segmentation": Shown("FaceID and segmentation: IoU where right", "{:.2f}"),
}
COLUMNS = ["unguided", "DPS", "FreeDoM", "DSG", "DSG, automatic rate"]
DISTANCE = "Fréchet distance"
BESIDE = {"method", "strength", "grid"}  # in a row, beside its figures


def first_figure(row: dict) -> float:
    """What the pages show of a row of `tasks.json`."""
    return next(value for name, value in row.items() if name not in BESIDE)


def short(results: dict[str, list[dict]], with_distance: bool) -> str:
    """Tasks down, methods across: the first figure of each, and in brackets the Fréchet distance."""
    lines = ["| task | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for task, (label, number) in ROWS.items():
        rows = {row["method"]: row for row in results[task]}
        cells = []
        for method in COLUMNS:
            shown = number.format(first_figure(rows[method])).replace("%", " %")
            cells.append(f"{shown} ({rows[method][DISTANCE]:.0f})" if with_distance else shown)
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def whole(results: dict[str, list[dict]]) -> str:
    """Each task's figures down, methods across."""
    methods = [row["method"] for row in next(iter(results.values()))]
    lines = ["| | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    for task, rows in results.items():
        for figure in rows[0]:
            if figure != "method":
                lines.append(f"| {task}: {figure} | " + " | ".join(f"{row[figure]:.3g}" for row in rows) + " |")
    return "\n".join(lines)


def beside_each_other(results: dict[str, dict[str, list[float]]]) -> str:
    """Ways down, tasks across: the mean of task → way → each picture's figure, and its standard error."""
    lines = ["| way | " + " | ".join(results) + " |", "|---" * (len(results) + 1) + "|"]
    for way in next(iter(results.values())):
        each = [np.array(found[way]) for found in results.values()]
        cells = [f"{values.mean():.2f} ± {values.std(ddof=1) / len(values) ** 0.5:.2f}" for values in each]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
