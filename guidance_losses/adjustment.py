"""Adjustments: how light, how rich in contrast and how sharp the picture is, as one number each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .loss import blurred, luminance, norm
from .place import place_weights, weighted_mean

FINE = 1.0  # pixel, standard deviation: what such a blur takes away is fine
LEAST_SPREAD = 1e-3  # of the luminance: below, there is no detail to speak of


def brightness(light: Tensor, weights: Tensor) -> Tensor:
    """Mean luminance: `[B, 1, H, W]`, twice → `[B, 1]`, in [0, 1]."""
    return weighted_mean(light, weights)


def contrast(light: Tensor, weights: Tensor) -> Tensor:
    """Twice the luminance's standard deviation, `[B, 1]`: 0 for one grey, 1 where half is black and half white."""
    return 2 * spread(light, weights)


def sharpness(light: Tensor, weights: Tensor) -> Tensor:
    """Standard deviation of the fine detail as a share of the luminance's, `[B, 1]`."""
    fine = light - blurred(light, FINE)
    return spread(fine, weights) / (spread(light, weights) + LEAST_SPREAD)


def spread(values: Tensor, weights: Tensor) -> Tensor:
    """Standard deviation, `[B, 1, H, W]`, twice → `[B, 1]`. Its gradient at zero is zero."""
    centred = values - weighted_mean(values, weights)[..., None, None]
    return norm(centred * weights.sqrt())[:, None]


ADJUSTMENTS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": brightness,
    "contrast": contrast,
    "sharpness": sharpness,
}


@dataclass(frozen=True, eq=False)
class AdjustmentLoss:
    """How far a number of the picture is from the one that is asked for.

    Attributes:
        what: a key of `ADJUSTMENTS`.
        value: what it shall be, in [0, 1].
        place: where it is measured, `[N, 1, H, W]` in [0, 1], not all 0; N = 1 or one for each picture. None:
            everywhere.
    """

    what: str
    value: float
    place: Tensor | None = None

    @property
    def name(self) -> str:
        return self.what

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """|measured − asked| per sample."""
        measure, weights = ADJUSTMENTS[self.what], place_weights(self.place, batch, height, width, device)
        return lambda images: norm(measure(luminance(images), weights.to(images)) - self.value)

    def compared(self, images: Tensor) -> tuple[str, Tensor]:
        """The luminance."""
        return f"a {self.what} of {self.value:g}", luminance(images).expand(-1, 3, -1, -1)
