"""Symmetry: the picture is its own mirror image."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .loss import norm

MIRRORS = {"left and right": -1, "top and bottom": -2}


@dataclass(frozen=True, eq=False)
class SymmetryLoss:
    """L2 distance between the picture and its mirror image.

    Attributes:
        mirror: a key of `MIRRORS`: which sides are exchanged.
    """

    mirror: str = "left and right"
    name: str = "symmetry"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Root mean square of the differences, per sample: in the units of the pixels."""
        scale = (3 * height * width) ** 0.5
        return lambda images: norm(images - images.flip(MIRRORS[self.mirror])) / scale

    def compared(self, images: Tensor) -> tuple[str, Tensor]:
        """The mean of the picture and its mirror image: what is doubled there is not symmetric."""
        return f"the same {self.mirror}", (images + images.flip(MIRRORS[self.mirror])) / 2
