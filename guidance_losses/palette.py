"""Colour palette: the colours of a reference picture, without its layout.

The distance is the sliced Wasserstein distance of the pixels as points of the RGB cube: on a line, the optimal
transport joins equal ranks. Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis", CVPR 2021, arXiv
2006.07229; Lobashev et al., "Color Conditional Generation with Sliced Wasserstein Guidance", arXiv 2503.19034.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .loss import luminance, norm, repeat_reference

LINES = 32  # on a cube of three dimensions these are dense


def lines(count: int) -> Tensor:
    """Directions in the RGB cube, `[count, 3]` of length 1, the same ones each time."""
    directions = torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    return directions / directions.norm(dim=1, keepdim=True)


def ranked(images: Tensor, directions: Tensor) -> Tensor:
    """The pixels' places on each line, in rising order: `[B, 3, H, W]` and `[L, 3]` → `[B, L, H·W]`."""
    return (directions @ images.flatten(2)).sort(dim=2).values


@dataclass(frozen=True, eq=False)
class PaletteLoss:
    """Sliced 2-Wasserstein distance between the picture's colours and the reference's.

    Attributes:
        image: `[N, 3, h, w]` in [0, 1], of any size, N = 1 or one for each picture.
    """

    image: Tensor
    name: str = "palette"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Root mean square over lines and ranks, per sample: in the units of the pixels."""
        directions = lines(LINES).to(self.image)
        ranks = F.interpolate(ranked(self.image, directions), height * width, mode="linear")  # those in between
        reference = repeat_reference(ranks, batch, "reference images").to(device)
        directions, scale = directions.to(device), math.sqrt(LINES * height * width)
        return lambda images: norm(reference - ranked(images, directions)) / scale

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """All colours, from dark to light."""
        return by_light(self.image), by_light(images)


def by_light(images: Tensor) -> Tensor:
    """The same pixels in the order of their luminance, column by column: `[B, 3, H, W] → [B, 3, H, W]`."""
    order = luminance(images).mT.flatten(1).argsort(1)
    sorted_pixels = images.mT.flatten(2).gather(2, order[:, None].expand(-1, 3, -1))
    return sorted_pixels.view(images.mT.shape).mT
