"""Depth: what is near and what is far on the picture.

Networks know depth up to a factor and a summand only, so each map is first brought to mean 0 and standard deviation 1;
Ranftl et al., "MiDaS", TPAMI 2022, arXiv 1907.01341, compare maps that are aligned. Of their two ways the median and
the mean absolute deviation are for measurements with gross errors, of which there are none here; and a least-squares
fit may turn a relief inside out. The mean and the standard deviation are that fit with a factor above 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .input_error import InputError
from .loss import norm, repeat_reference, resized_reference

FLAT = 1e-4  # of a map's root mean square: less variation than that is rounding


def aligned(maps: Tensor) -> Tensor:
    """(d − mean) / standard deviation of each map `[B, 1, H, W]`; 0 where there is no relief."""
    variation = maps - maps.mean(dim=(2, 3), keepdim=True)
    variance, square = (part.square().mean(dim=(2, 3), keepdim=True) for part in (variation, maps))
    return variation / (variance + FLAT**2 * square + FLAT**4).sqrt()


def is_flat(maps: Tensor) -> Tensor:
    """Which maps `[B, 1, H, W]` have no relief: `[B]`."""
    return aligned(maps).square().mean(dim=(1, 2, 3)) < 0.5


def as_grey(maps: Tensor) -> Tensor:
    """Maps `[B, 1, H, W]` as pictures `[B, 3, H, W]`: the nearest white, the farthest black."""
    low, high = (limit(maps, dim=(1, 2, 3), keepdim=True) for limit in (torch.amin, torch.amax))
    return ((maps - low) / (high - low).clamp(min=FLAT**2)).expand(-1, 3, -1, -1)


@dataclass(frozen=True, eq=False)
class DepthLoss:
    """How unlike the picture's relief is to another: √(2 − 2r), where r is the correlation of the two maps.

    From 0, the same relief, over √2, nothing in common, to 2, inside out.

    Attributes:
        network: pictures `[B, 3, H, W]` in [0, 1] → nearness `[B, 1, H, W]`.
        picture: `[N, 3, H, W]` in [0, 1], whose relief is asked for; N = 1 or one for each picture. Or None, with
        map: `[N, 1, H, W]`: the nearness that is asked for, in any units.
    """

    network: nn.Module
    picture: Tensor | None = None
    map: Tensor | None = None
    name: str = "depth"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """The root mean square of the difference of the aligned maps.

        Raises:
            InputError: in one sentence, if there is no relief to follow, or the number of references fits no batch.
        """
        wanted = self._wanted(batch, height, width, device)
        if is_flat(wanted).any():
            raise InputError("the depth that is asked for is the same everywhere; give a picture or map with relief.")
        wanted, pixels = aligned(wanted), height * width
        return lambda images: norm(aligned(self.network(images)) - wanted) / pixels**0.5

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The maps, near is white."""
        batch, _, height, width = images.shape
        return as_grey(self._wanted(batch, height, width, images.device)), as_grey(self.network(images))

    def _wanted(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        """The map that is asked for, `[batch, 1, height, width]`."""
        if self.map is not None:
            return resized_reference(repeat_reference(self.map, batch, "depth maps").to(device), height, width)
        if self.picture is None:
            raise InputError("there is neither a reference image nor a depth map.")
        picture = repeat_reference(self.picture, batch, "reference images").to(device)
        with torch.no_grad():
            return self.network(resized_reference(picture, height, width))
