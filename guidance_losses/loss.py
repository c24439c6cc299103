"""What a loss is, and what several losses do."""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from .input_error import InputError
from .packages import needed_packages

LARGEST_UNIT = 32  # pixels each way behind one place of a latent, of the VAEs that the host knows
LEAST_PLACES = 8  # of a latent each way


class Loss(Protocol):
    """A frozen dataclass that says what a picture must satisfy; its references are tensors, each a field of its own.

    `fit` is called once a run, before sampling starts, and gives the function that the sampler differentiates; it is
    the place to resize references, draw operators and move networks.
    """

    @property
    def name(self) -> str:
        """Shown to the user, in reports and messages."""

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """The loss for pictures of this size: `[batch, 3, height, width]` in [0, 1] → `[batch]`.

        Raises:
            ValueError: in one sentence, if the loss cannot be computed for such pictures.
        """


@runtime_checkable
class MeasuredLoss(Loss, Protocol):
    """A loss that is the norm of the difference to a measurement, which is linear in the picture."""

    @property
    def noise_level(self) -> float:
        """Standard deviation of the noise in each measured value. 0: unknown."""

    def values(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        """How many numbers m are compared, for pictures as in `fit`: `[batch]`.

        The loss is their L2 norm, so noise of standard deviation σ alone explains one of σ·√m.
        """


@runtime_checkable
class VisibleLoss(Loss, Protocol):
    """A loss that can show what it compares."""

    def compared(self, images: Tensor) -> tuple[Tensor | str, Tensor]:
        """What is asked for, as pictures or in words, and what the loss sees on these, as pictures.

        Args:
            images: `[batch, 3, height, width]` in [0, 1], on the device of its networks; of a `VideoLoss`, the frames
                that it looks at, of one video.

        Returns: two of `[N, 3, h, w]` in [0, 1]; N is the number of references, and the batch.
        """


@runtime_checkable
class RingLoss(Loss, Protocol):
    """A loss of pictures that go on at their other side, and that are to be decoded so."""

    @property
    def wraps(self) -> tuple[bool, bool]:
        """Whether they do from top to bottom, and from left to right."""


@runtime_checkable
class VideoLoss(Loss, Protocol):
    """A loss of the frames of a video together: its function takes videos, `[batch, K, 3, height, width]` → `[batch]`.

    `batch` in its `fit` is the number of videos.
    """

    def looks_at(self, frames: Sequence[int]) -> Sequence[int]:
        """Which K of these frames it looks at: their numbers, rising.

        Raises:
            ValueError: in one sentence, if there are too few.
        """


def repeat_reference(reference: Tensor, batch: int, what: str) -> Tensor:
    """One reference for all pictures, or one for each: `[1 or batch, ...] → [batch, ...]`.

    Args:
        what: the references' name in the plural.

    Raises:
        InputError: for another number of references.
    """
    if len(reference) not in (1, batch):
        raise InputError(f"{len(reference)} {what} were given for {batch} pictures; give one, or as many as pictures.")
    return reference.expand(batch, *reference.shape[1:])


def kept_part(size: Sequence[int], height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of a reference of this size (height, width) that belong to a picture of height×width.

    The host's VAE Encode crops a picture to the units of the VAE, the pixels behind one place of the latent, and leaves
    out half of the rest at the top and at the left. So a reference that is larger than the picture by less than such a
    unit each way is cropped in the same place; any other is taken whole. The unit itself is not known here, but it
    divides the picture, and a latent has some places.
    """
    unit = min(math.gcd(height, width, LARGEST_UNIT), min(height, width) // LEAST_PLACES)
    rests = [length - wanted for length, wanted in zip(size, (height, width))]
    if not all(0 <= rest < unit for rest in rests):
        return slice(0, size[0]), slice(0, size[1])
    top, left = (rest // 2 for rest in rests)
    return slice(top, top + height), slice(left, left + width)


def cropped(reference: Tensor, height: int, width: int) -> Tensor:
    """The part of a picture or mask `[N, C, h, w]` that `kept_part` tells."""
    rows, columns = kept_part(reference.shape[-2:], height, width)
    return reference[..., rows, columns]


def resized_reference(reference: Tensor, height: int, width: int) -> Tensor:
    """A picture `[N, C, h, w]` in [0, 1] at the picture's size, cropped or else resized, said once in the log."""
    if reference.shape[-2:] == (height, width):
        return reference
    part = cropped(reference, height, width)
    how = "cropped" if part.shape[-2:] == (height, width) else "resized"
    before = f"{reference.shape[-1]}×{reference.shape[-2]}"
    logging.info("DSG: a reference of %s pixels is %s to the picture's %d×%d.", before, how, width, height)
    if how == "cropped":
        return part
    return F.interpolate(reference, (height, width), mode="bicubic", antialias=True).clamp(0, 1)


def boxes_on_picture(boxes: Tensor, size: Sequence[int], height: int, width: int) -> Tensor:
    """Boxes `[..., 4]` (left, top, right, bottom) in pixels of a reference of this size, in those of the picture."""
    rows, columns = kept_part(size, height, width)
    start = boxes.new_tensor([columns.start, rows.start] * 2)
    scale = [width / (columns.stop - columns.start), height / (rows.stop - rows.start)]
    return (boxes - start) * boxes.new_tensor(scale * 2)


def luminance(images: Tensor) -> Tensor:
    """Rec. 601's Y = 0.299 R + 0.587 G + 0.114 B: `[B, 3, H, W]` → `[B, 1, H, W]`."""
    with needed_packages():
        from kornia.color import rgb_to_grayscale
    return rgb_to_grayscale(images)


def blurred(images: Tensor, std: float) -> Tensor:
    """A Gaussian blur of this standard deviation in pixels, `[B, C, H, W] → [B, C, H, W]`; mirrored at the borders."""
    with needed_packages():
        from kornia.filters import gaussian_blur2d
    size = 2 * math.ceil(2 * std) + 1
    return gaussian_blur2d(images, (size, size), (std, std))


def norm(residual: Tensor) -> Tensor:
    """The L2 norm of each sample, `[B, ...] → [B]`. Its gradient at zero is zero."""
    return torch.linalg.vector_norm(residual.flatten(1), dim=1)


def root_mean_square(residual: Tensor) -> Tensor:
    """Of each sample, `[B, ...] → [B]`. Its gradient at zero is zero."""
    return norm(residual) / residual[0].numel() ** 0.5


def inside(
    loss: Callable[[Tensor], Tensor], mask: Tensor, batch: int, height: int, width: int
) -> Callable[[Tensor], Tensor]:
    """The same loss of the same whole picture, but only the part under the mask is asked to change.

    Args:
        loss: of images `[batch, 3, height, width]`.
        mask: `[1 or batch, 1, h, w]` in [0, 1]; the gradient is multiplied by it.
    """
    mask = cropped(repeat_reference(mask, batch, "where masks"), height, width)
    mask = F.interpolate(mask, (height, width), mode="bilinear", antialias=True)

    def masked(images: Tensor) -> Tensor:
        return loss(mask * images + (1 - mask) * images.detach())

    return masked
