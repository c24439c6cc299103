"""Colorizing: the luminance of a picture, y − Y(x̂_0), with Rec. 601's Y = 0.299 R + 0.587 G + 0.114 B.

Wang et al., "Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model", ICLR 2023, arXiv 2212.00490, has
it as a linear inverse problem.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .loss import luminance, norm, repeat_reference, resized_reference


@dataclass(frozen=True, eq=False)
class ColorizeLoss:
    """L2 distance between the picture's luminance and that of an image.

    Attributes:
        image: `[N, 3, H, W]` in [0, 1], grey or not: only its luminance y counts. N = 1 or one for each picture.
        noise_level: standard deviation of the noise in y. 0: unknown.
    """

    image: Tensor
    noise_level: float = 0.0
    name: str = "colorizing"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """‖y − Y(x̂_0)‖ per sample."""
        image = repeat_reference(self.image, batch, "grey images").to(device)
        grey = luminance(resized_reference(image, height, width))
        return lambda images: norm(grey - luminance(images))

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Luminances, as grey pictures."""
        image = resized_reference(self.image, *images.shape[-2:])
        return luminance(image).expand(-1, 3, -1, -1), luminance(images).expand(-1, 3, -1, -1)

    def values(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        return torch.full([batch], float(height * width), device=device)
