"""Super-resolution: a small picture of the large one, y − down(x̂_0).

Chung et al., "Diffusion Posterior Sampling", ICLR 2023, arXiv 2209.14687; Yang et al., ICML 2024, arXiv 2402.03201.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor
from torch.nn import functional as F

from .input_error import InputError
from .loss import kept_part, norm, repeat_reference

SHRINK_KERNELS = ("bicubic", "area")


def check_factor(factor: int, height: int, width: int) -> None:
    """Raises InputError, in one sentence, if the factor does not divide the picture's height and width."""
    if height % factor or width % factor:
        raise InputError(
            f"a factor of {factor} does not divide the picture's {width}×{height} pixels; choose another "
            "factor, or another size."
        )


def shrink(images: Tensor, factor: int, kernel: str) -> Tensor:
    """`[B, C, H, W] → [B, C, H / factor, W / factor]`, differentiable.

    Args:
        factor: divides H and W.
        kernel: "bicubic", widened by the factor against aliasing, or "area", the mean of factor × factor pixels.
    """
    size = images.shape[-2] // factor, images.shape[-1] // factor
    return F.interpolate(images, size, mode=kernel, antialias=kernel == "bicubic")


@dataclass(frozen=True, eq=False)
class SuperResolutionLoss:
    """L2 distance between the picture, shrunk, and a small one.

    Attributes:
        image: the measurement y, `[N, 3, H / factor, W / factor]` in [0, 1], N = 1 or one for each picture. Or that of
            a larger picture, from which VAE Encode would crop this one (see `loss.kept_part`).
        factor: how many times larger the picture is, in each direction.
        kernel: how it is shrunk, one of `SHRINK_KERNELS`.
        noise_level: standard deviation of the noise in y. 0: unknown.
    """

    image: Tensor
    factor: int = 4
    kernel: str = "bicubic"
    noise_level: float = 0.0
    name: str = "super-resolution"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """‖y − down(x̂_0)‖ per sample.

        Raises:
            InputError: in one sentence, if the factor does not divide the picture, or y has another size than it says.
        """
        image, (rows, columns) = self._parts(height, width)
        image = repeat_reference(image, batch, "Super-Resolution Loss, small images").to(device)
        return lambda images: norm(image - shrink(images[..., rows, columns], self.factor, self.kernel))

    def values(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        image, _ = self._parts(height, width)
        return torch.full([batch], float(image[0].numel()), device=device)

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Small pictures."""
        image, (rows, columns) = self._parts(*images.shape[-2:])
        return image, shrink(images[..., rows, columns], self.factor, self.kernel)

    def _parts(self, height: int, width: int) -> tuple[Tensor, list[slice]]:
        """The part of y that is compared, and the rows and columns of the picture that it is made of.

        If the picture is cropped from y's large one, these are the pixels of y that lie on it wholly.
        """
        there = self.image.shape[-2:]
        parts = kept_part([self.factor * length for length in there], height, width)
        if [part.stop - part.start for part in parts] != [height, width]:
            self._refuse(there[0], there[1], height, width)
        small = [slice(-(-part.start // self.factor), part.stop // self.factor) for part in parts]
        large = [
            slice(self.factor * few.start - part.start, self.factor * few.stop - part.start)
            for few, part in zip(small, parts)
        ]
        return self.image[..., small[0], small[1]], large

    def _refuse(self, rows: int, columns: int, height: int, width: int) -> NoReturn:
        check_factor(self.factor, height, width)
        if (rows, columns) == (height, width):
            raise InputError(
                f"the image has the picture's full size of {width}×{height} pixels already; "
                f"give a small one, or make the latent {self.factor} times as large."
            )
        raise InputError(
            f"the image has {columns}×{rows} pixels, but a picture {self.factor} times smaller "
            f"than {width}×{height} has {width // self.factor}×{height // self.factor}; scale the image or the latent."
        )
