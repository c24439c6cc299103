"""Deblurring: a blurred picture of the sharp one, y − k * x̂_0.

Chung et al., "Diffusion Posterior Sampling", ICLR 2023, arXiv 2209.14687; Yang et al., ICML 2024, arXiv 2402.03201.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .input_error import InputError
from .loss import cropped, norm, repeat_reference
from .packages import needed_packages


def gaussian_kernel(size: int, std: float) -> Tensor:
    """A round kernel `[size, size]`, sum 1; size is odd, std in pixels."""
    with needed_packages():
        from kornia.filters import get_gaussian_kernel2d
    return get_gaussian_kernel2d((size, size), (std, std))[0]


def motion_kernel(length: int, angle: float) -> Tensor:
    """A line `[length, length]`, sum 1; length is odd, from 3; the angle in degrees, anti-clockwise from the right."""
    with needed_packages():
        from kornia.filters import get_motion_kernel2d
    return get_motion_kernel2d(length, angle)[0]


def check_kernel(size: Sequence[int], height: int, width: int) -> None:
    """Raises InputError, in one sentence, for a kernel (height, width) without a middle or larger than the picture."""
    rows, columns = size
    if rows % 2 == 0 or columns % 2 == 0:
        raise InputError(
            f"a kernel of {columns}×{rows} pixels has no pixel in its middle; give it an odd width and height."
        )
    if rows > height or columns > width:
        raise InputError(
            f"the kernel of {columns}×{rows} pixels is larger than the picture of {width}×{height}; give a smaller one."
        )


def blur(images: Tensor, kernel: Tensor) -> Tensor:
    """k * x, `[B, C, H, W] → [B, C, H, W]`, differentiable: each point becomes the kernel. Mirrored at the borders.

    Args:
        kernel: `[odd, odd]`, not larger than the picture.
    """
    with needed_packages():
        from kornia.filters import filter2d
    return filter2d(images, kernel[None], border_type="reflect", behaviour="conv")


@dataclass(frozen=True, eq=False)
class DeblurLoss:
    """L2 distance between the picture, blurred, and a blurred one.

    Attributes:
        image: the measurement y, `[N, 3, H, W]` in [0, 1], N = 1 or one for each picture.
        kernel: k, `[odd, odd]`, sum 1, as `gaussian_kernel` and `motion_kernel` make them.
        noise_level: standard deviation of the noise in y. 0: unknown.
    """

    image: Tensor
    kernel: Tensor
    noise_level: float = 0.0
    name: str = "deblurring"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """‖y − k * x̂_0‖ per sample.

        Raises:
            InputError: in one sentence, for an image of another size than the picture's, or a kernel that does not fit.
        """
        check_kernel(self.kernel.shape, height, width)
        image = cropped(self.image, height, width)
        if image.shape[-2:] != (height, width):
            raise InputError(
                f"the image has {self.image.shape[-1]}×{self.image.shape[-2]} pixels and the picture "
                f"{width}×{height}; make them the same, and mind that the kernel is in pixels."
            )
        image = repeat_reference(image, batch, "blurred images").to(device)
        kernel = self.kernel.to(device)
        return lambda images: norm(image - blur(images, kernel))

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Blurred pictures."""
        return cropped(self.image, *images.shape[-2:]), blur(images, self.kernel.to(images.device))

    def values(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        return torch.full([batch], 3.0 * height * width, device=device)
