"""Sketch: the picture's edges lie where a drawing has its lines.

Yu et al., "FreeDoM", ICCV 2023, arXiv 2303.09833, compare sketches made by a network. This needs none: edges are the
Sobel gradient of the luminance. Both maps are blurred, so that a line pulls at an edge beside it, and normalised, so
that thin ink and soft edges compare.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .loss import blurred, luminance, norm, repeat_reference, resized_reference
from .packages import needed_packages

SCALES = (1 / 128, 1 / 32)  # of the blur, as shares of the picture's shorter side: where exactly, and about where
LEAST_SPREAD = 1e-3  # of a map: below, there are no edges to normalise


def spread_maps(lines: Tensor) -> Tensor:
    """Line maps `[B, 1, H, W]`, blurred at each scale, with mean 0 and standard deviation 1: `[B, scales, H, W]`."""
    side = min(lines.shape[-2:])
    maps = torch.cat([blurred(lines, scale * side) for scale in SCALES], dim=1)
    centred = maps - maps.mean(dim=(2, 3), keepdim=True)
    std = torch.linalg.vector_norm(centred, dim=(2, 3), keepdim=True) / math.sqrt(lines[0, 0].numel())
    return centred / (std + LEAST_SPREAD)


def edges(images: Tensor) -> Tensor:
    """Where the luminance changes: `[B, 3, H, W]` → `[B, 1, H, W]`."""
    with needed_packages():
        from kornia.filters import sobel
    return sobel(luminance(images))


@dataclass(frozen=True, eq=False)
class SketchLoss:
    """Distance between the picture's edges and a drawing's lines.

    Attributes:
        drawing: `[N, 3, H, W]` in [0, 1], N = 1 or one for each picture.
        dark_lines: whether the lines are darker than the paper.
    """

    drawing: Tensor
    dark_lines: bool = True
    name: str = "sketch"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Root mean square of the difference of the maps, per sample: 0 for the same edges, √2 for unrelated ones."""
        drawing = repeat_reference(self.drawing, batch, "drawings").to(device)
        light = luminance(resized_reference(drawing, height, width))
        wanted = spread_maps(1 - light if self.dark_lines else light)
        scale = math.sqrt(wanted[0].numel())
        return lambda images: norm(wanted - spread_maps(edges(images))) / scale

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The maps of edges, both scales in one."""
        light = luminance(resized_reference(self.drawing.to(images.device), *images.shape[-2:]))
        lines = 1 - light if self.dark_lines else light
        return _as_picture(spread_maps(lines)), _as_picture(spread_maps(edges(images)))


def _as_picture(maps: Tensor) -> Tensor:
    """`[B, scales, H, W]`, with mean 0 and standard deviation 1 → `[B, 3, H, W]` in [0, 1]."""
    return (maps.mean(1, keepdim=True) / 4 + 0.25).clamp(0, 1).expand(-1, 3, -1, -1)
