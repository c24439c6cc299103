"""Inpainting: the known pixels of a picture, m ⊙ (y − x̂_0).

Chung et al., "Diffusion Posterior Sampling", ICLR 2023, arXiv 2209.14687; Yang et al., ICML 2024, arXiv 2402.03201.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .loss import cropped, norm, repeat_reference, resized_reference


@dataclass(frozen=True, eq=False)
class MaskLoss:
    """L2 distance to the known pixels.

    Attributes:
        image: the measurement y, `[N, 3, H, W]` in [0, 1], N = 1 or one for each picture.
        known: m, `[N, 1, H, W]`: 1 where the pixel is known, 0 where it is not. N as above.
        noise_level: standard deviation of the noise in y. 0: unknown.
    """

    image: Tensor
    known: Tensor
    noise_level: float = 0.0
    name: str = "mask"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """‖m ⊙ (y − x̂_0)‖ per sample."""
        image, known = self._image(batch, height, width, device), self._known(batch, height, width, device)
        return lambda images: norm(known * (image - images))

    def values(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        return 3 * self._known(batch, height, width, device).sum(dim=(1, 2, 3))

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The known pixels; the others are grey."""
        batch, _, height, width = images.shape
        image, known = (part(batch, height, width, images.device) for part in (self._image, self._known))
        return known * image + (1 - known) / 2, known * images + (1 - known) / 2

    def restore(self, images: Tensor) -> Tensor:
        """Put the known pixels back into finished pictures, `[batch, 3, height, width]`."""
        batch, _, height, width = images.shape
        image, known = (part(batch, height, width, images.device) for part in (self._image, self._known))
        return torch.where(known > 0, image, images)

    def _image(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        image = repeat_reference(self.image, batch, "reference images").to(device)
        return resized_reference(image, height, width)

    def _known(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        """m for pictures of this size: a pixel is known if all the pixels that it is made of are."""
        known = cropped(repeat_reference(self.known, batch, "masks").to(device), height, width)
        if known.shape[-2:] != (height, width):
            known = (F.interpolate(known, (height, width), mode="area") > 0.999).to(known.dtype)
        return known
