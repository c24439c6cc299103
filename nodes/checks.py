"""What the user gave: checked, and pictures and masks brought into the losses' layout."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..guidance_losses import InputError

GREY, GREY_AND_ALPHA, RGB, RGB_AND_ALPHA = 1, 2, 3, 4  # channels of a picture


def image_from_host(image: Tensor) -> Tensor:
    """IMAGE `[N, H, W, C]` → `[N, 3, H, W]`, float32, an alpha channel dropped, grey repeated.

    One picture may come without N. Whole numbers count from 0 to 255.

    Raises:
        InputError: in one sentence, if it is no picture, or a value is not finite.
    """
    image = _floats(image, "image")
    if image.ndim not in (3, 4) or image.shape[-1] not in (GREY, GREY_AND_ALPHA, RGB, RGB_AND_ALPHA):
        raise InputError(
            f"the image has the shape {[*image.shape]}, and a picture has [number, height, width, 1 to 4 "
            "channels]; check the node that made it."
        )
    image = image[None] if image.ndim == 3 else image
    colours = image[..., :3] if image.shape[-1] >= RGB else image[..., :1]
    return colours.expand(*image.shape[:3], 3).movedim(-1, 1).contiguous()


def image_to_host(image: Tensor) -> Tensor:
    """`[N, 3, H, W]` → IMAGE `[N, H, W, 3]` in [0, 1]."""
    return image.clamp(0, 1).movedim(1, -1).contiguous()


def mask_from_host(mask: Tensor) -> Tensor:
    """MASK `[N, H, W]`, `[H, W]`, `[N, 1, H, W]` or `[N, H, W, 1]` → `[N, 1, H, W]`, float32.

    Whole numbers count from 0 to 255 if there are any above 1.

    Raises:
        InputError: in one sentence, if it is no mask, or a value is not finite.
    """
    mask = _floats(mask, "mask")
    if mask.ndim == 4 and 1 in (mask.shape[1], mask.shape[3]):
        mask = mask[:, 0] if mask.shape[1] == 1 else mask[..., 0]
    if mask.ndim not in (2, 3):
        raise InputError(
            f"the mask has the shape {[*mask.shape]}, and a mask has [number, height, width]; check the node "
            "that made it."
        )
    return mask.reshape(-1, 1, *mask.shape[-2:])


def _floats(values: Tensor, what: str) -> Tensor:
    """A picture's or mask's values as float32, without a gradient.

    Raises:
        InputError: in one sentence, if they are no numbers of a picture; `what` names it.
    """
    if not isinstance(values, Tensor) or values.is_complex():
        kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise InputError(f"the {what} is no picture but a {kind}; check the node that made it.")
    if not values.numel():
        raise InputError(f"the {what} is empty (its shape is {[*values.shape]}); check the node that made it.")
    if not values.isfinite().all():
        raise InputError(f"the {what} holds NaN or infinite values; check the node that made it.")
    whole = not values.is_floating_point() and values.dtype != torch.bool
    low, high = values.min(), values.max()
    if whole and (low < 0 or high > 255):
        raise InputError(
            f"the {what} holds whole numbers from {low} to {high}, and a picture's go from 0 to 255; check the "
            "node that made it."
        )
    floats = values.detach().float()
    return floats / 255 if whole and (what == "image" or high > 1) else floats


def where_from_host(where: Tensor | None) -> Tensor | None:
    """A loss's optional `where` mask as `AppliedLoss.where`.

    Raises:
        InputError: if it is no mask, a value is not finite, or the mask is black everywhere.
    """
    if where is None:
        return None
    mask = mask_from_host(where).clamp(0, 1)
    if not mask.any():
        raise InputError("the where mask is black everywhere, so the loss could change nothing; paint it.")
    return mask


def class_number(name: str, labels: Mapping[int, str]) -> int:
    """The number of a class by its name, upper or lower case.

    Raises:
        InputError: in one sentence that lists the classes, for one that the model does not have.
    """
    known = {label.lower(): number for number, label in labels.items()}
    if name.strip().lower() not in known:
        raise InputError(f"the model has no class {name.strip()!r}; it has {', '.join(labels.values())}.")
    return known[name.strip().lower()]


def check_range(start_percent: float, end_percent: float) -> None:
    """Raises InputError if a range of the run ends before it begins."""
    if start_percent > end_percent:
        raise InputError(
            f"start_percent ({start_percent:g}) lies behind end_percent ({end_percent:g}), so no step would be "
            "guided; swap them."
        )


def check_vae(vae: Any) -> None:
    """Raises InputError, in one sentence, if this is no VAE that decodes."""
    if vae is None or vae.first_stage_model is None:
        raise InputError("there is no VAE in this checkpoint; connect one from a Load VAE node.")


def check_latent(latent: dict) -> None:
    """Raises InputError, in one sentence, for latents that are no pictures or frames."""
    samples = latent["samples"]
    if samples.is_nested:
        raise InputError("nested latents (several media at once) cannot be guided; guide one of them alone.")
    if samples.ndim < 4:
        raise InputError(f"this latent is no picture (shape {tuple(samples.shape)}); audio cannot be guided.")
