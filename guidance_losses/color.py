"""Colour: a place has a colour, whatever is there."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .loss import blurred, norm, repeat_reference
from .place import place_weights

NEIGHBOURHOOD = 1 / 32  # standard deviation of a blur, as a share of the shorter side: detail below is free


def around(images: Tensor, weights: Tensor) -> Tensor:
    """The mean colour around each pixel, of the pixels of the place alone: `[B, 3, H, W]` and `[B, 1, H, W]`."""
    std = NEIGHBOURHOOD * min(images.shape[-2:])
    total = blurred(weights, std)
    return blurred(images * weights, std) / total.clamp(min=torch.finfo(total.dtype).tiny)


@dataclass(frozen=True, eq=False)
class ColorLoss:
    """L2 distance between the mean colours around the pixels of a place and one colour.

    Attributes:
        color: `[N, 3]` in [0, 1], N = 1 or one for each picture.
        place: `[N, 1, H, W]` in [0, 1], not all 0. N as above. None: everywhere.
    """

    color: Tensor
    place: Tensor | None = None
    name: str = "colour"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Root mean square over the place and the channels, per sample: in the units of the pixels."""
        color = repeat_reference(self.color, batch, "colours").to(device)[..., None, None]
        weights = place_weights(self.place, batch, height, width, device).to(color)
        shares = (weights / 3).sqrt()
        return lambda images: norm(shares * (around(images, weights) - color))

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The place in its colour, and what is there; the rest is grey."""
        batch, _, height, width = images.shape
        weights = place_weights(self.place, batch, height, width, images.device)
        mask = weights / weights.amax(dim=(2, 3), keepdim=True)
        colors = self.color.to(images)[..., None, None].expand(batch, -1, height, width)
        return mask * colors + (1 - mask) / 2, mask * around(images, weights) + (1 - mask) / 2
