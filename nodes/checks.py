"""What the user gave, once the border has let it in: pictures and masks in the losses' layout, and what several inputs
must hold together."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..guidance_losses import InputError, enumeration, shown
from .input_checks import RGB


def image_from_host(image: Tensor) -> Tensor:
    """IMAGE `[N, H, W, C]` → `[N, 3, H, W]`, float32, an alpha channel dropped, grey repeated.

    One picture may come without N. Whole numbers count from 0 to 255.
    """
    image = _floats(image)
    image = image[None] if image.ndim == 3 else image
    colours = image[..., :3] if image.shape[-1] >= RGB else image[..., :1]
    return colours.expand(*image.shape[:3], 3).movedim(-1, 1).contiguous()


def image_to_host(image: Tensor) -> Tensor:
    """`[N, 3, H, W]` → IMAGE `[N, H, W, 3]` in [0, 1]."""
    return image.clamp(0, 1).movedim(1, -1).contiguous()


def mask_from_host(mask: Tensor) -> Tensor:
    """MASK `[N, H, W]`, `[H, W]`, `[N, 1, H, W]` or `[N, H, W, 1]` → `[N, 1, H, W]`, float32.

    Whole numbers count from 0 to 255 if there are any above 1.
    """
    if mask.ndim == 4:
        mask = mask[:, 0] if mask.shape[1] == 1 else mask[..., 0]
    return _floats(mask, whole_to=255 if mask.float().max() > 1 else 1).reshape(-1, 1, *mask.shape[-2:])


def _floats(values: Tensor, whole_to: int = 255) -> Tensor:
    """As float32 without a gradient; whole numbers, but for true and false, are divided by that."""
    whole = not values.is_floating_point() and values.dtype != torch.bool
    return values.detach().float() / (whole_to if whole else 1)


def where_from_host(where: Tensor | None) -> Tensor | None:
    """A loss's optional `where` mask as `AppliedLoss.where`.

    Raises:
        InputError: if the mask is black everywhere.
    """
    if where is None:
        return None
    mask = mask_from_host(where).clamp(0, 1)
    if not mask.any():
        raise InputError("the where mask is black everywhere, so the loss could change nothing; paint it.")
    return mask


def place_from_host(place: Tensor | None) -> Tensor | None:
    """An optional place mask, `[N, 1, H, W]` in [0, 1]."""
    return None if place is None else mask_from_host(place).clamp(0, 1)


def class_number(name: str, labels: Mapping[int, str]) -> int:
    """The number of a class by its name, upper or lower case.

    Raises:
        InputError: in one sentence that lists the classes, for one that the model does not have.
    """
    known = {label.lower(): number for number, label in labels.items()}
    if name.strip().lower() not in known:
        raise InputError(f"the model has no class {shown(name.strip())}; it has {enumeration(labels.values())}.")
    return known[name.strip().lower()]


def check_range(start_percent: float, end_percent: float) -> None:
    """Raises InputError if a range of the run ends before it begins."""
    if start_percent > end_percent:
        raise InputError(
            f"start_percent ({start_percent:g}) lies behind end_percent ({end_percent:g}), so no step would be "
            "guided; swap them."
        )
