"""A place on the picture, over which a loss takes its means."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .input_error import InputError
from .loss import cropped, repeat_reference


def place_weights(place: Tensor | None, batch: int, height: int, width: int, device: torch.device) -> Tensor:
    """The share of each pixel of pictures of this size: `[batch, 1, height, width]`, sum 1 each.

    Args:
        place: a mask `[1 or batch, 1, h, w]` in [0, 1], of any size. None: everywhere.

    Raises:
        InputError: in one sentence, for another number of masks, or one that is black.
    """
    mask = torch.ones(1, 1, height, width) if place is None else place
    mask = cropped(repeat_reference(mask, batch, "place masks").to(device), height, width)
    mask = F.interpolate(mask, (height, width), mode="bilinear", antialias=True).clamp(min=0)
    total = mask.sum(dim=(1, 2, 3), keepdim=True)
    if (total <= 0).any():
        raise InputError("the place mask is black everywhere, so there is no place to look at; paint it white there.")
    return mask / total


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """`[B, C, H, W]` and `[B, 1, H, W]` of sum 1 → `[B, C]`."""
    return (values * weights).sum(dim=(2, 3))
