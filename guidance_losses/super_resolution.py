"""Super-resolution: a small picture of the large one, y − down(x̂_0).

Chung et al., "Diffusion Posterior Sampling", ICLR 2023, arXiv 2209.14687; Yang et al., ICML 2024, arXiv 2402.03201.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .loss import norm, repeat_reference

SHRINK_KERNELS = ("bicubic", "area")


def shrink(images: Tensor, factor: int, kernel: str) -> Tensor:
    """`[B, C, H, W] → [B, C, H / factor, W / factor]`, differentiable.

    Args:
        kernel: "bicubic", widened by the factor against aliasing, or "area", the mean of factor × factor pixels.

    Raises:
        ValueError: if the factor does not divide height and width.
    """
    height, width = images.shape[-2:]
    if height % factor or width % factor:
        raise ValueError(f"a factor of {factor} does not divide the picture's {width}×{height} pixels; choose another.")
    size = height // factor, width // factor
    return F.interpolate(images, size, mode=kernel, antialias=kernel == "bicubic")


@dataclass(frozen=True, eq=False)
class SuperResolutionLoss:
    """L2 distance between the picture, shrunk, and a small one.

    Attributes:
        image: the measurement y, `[N, 3, H / factor, W / factor]` in [0, 1], N = 1 or one for each picture.
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
        """‖y − down(x̂_0)‖ per sample."""
        self._check(height, width)
        image = repeat_reference(self.image, batch, "Super-Resolution Loss, small images").to(device)
        return lambda images: norm(image - shrink(images, self.factor, self.kernel))

    def floor(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        count = 3 * height * width / self.factor**2
        return torch.full([batch], self.noise_level * math.sqrt(count), device=device)

    def _check(self, height: int, width: int) -> None:
        there = f"{self.image.shape[-1]}×{self.image.shape[-2]}"
        if height % self.factor or width % self.factor:
            raise ValueError(
                f"Super-Resolution Loss: a factor of {self.factor} does not divide the picture's {width}×{height} "
                "pixels; choose another factor, or another size of the latent."
            )
        if self.image.shape[-2:] == (height, width):
            raise ValueError(
                f"Super-Resolution Loss: the image has the picture's full size of {there} pixels already; give the "
                f"small one, or make the latent {self.factor} times as large."
            )
        wanted = height // self.factor, width // self.factor
        if self.image.shape[-2:] != wanted:
            raise ValueError(
                f"Super-Resolution Loss: the image has {there} pixels, but a {self.factor} times smaller picture than "
                f"{width}×{height} has {wanted[1]}×{wanted[0]}; scale the image, or change the factor or the latent."
            )
