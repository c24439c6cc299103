"""What a loss is, and what several losses do."""

import logging
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F


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
    """A loss against a measurement whose noise is known."""

    def floor(self, batch: int, height: int, width: int, device: torch.device) -> Tensor:
        """The loss that the measurement's noise alone explains, for pictures as in `fit`: `[batch]`, 0 if unknown.

        For noise of standard deviation σ and m measured values this is σ·√m.
        """


def repeat_reference(reference: Tensor, batch: int, what: str) -> Tensor:
    """One reference for all pictures, or one for each: `[1 or batch, ...] → [batch, ...]`.

    Raises:
        ValueError: for another number of references; `what` names loss and reference in the message.
    """
    if len(reference) not in (1, batch):
        raise ValueError(f"{what}: {len(reference)} were given for {batch} pictures; give one, or as many as pictures.")
    return reference.expand(batch, *reference.shape[1:])


def resized_reference(reference: Tensor, height: int, width: int, node: str) -> Tensor:
    """A picture `[N, C, h, w]` in [0, 1] at another size, said once in the log."""
    if reference.shape[-2:] == (height, width):
        return reference
    before = f"{reference.shape[-1]}×{reference.shape[-2]}"
    logging.info("%s: the image of %s pixels is resized to the picture's %d×%d.", node, before, width, height)
    return F.interpolate(reference, (height, width), mode="bicubic", antialias=True).clamp(0, 1)


def norm(residual: Tensor) -> Tensor:
    """The L2 norm of each sample, `[B, ...] → [B]`. Its gradient at zero is zero."""
    return torch.linalg.vector_norm(residual.flatten(1), dim=1)


def inside(
    loss: Callable[[Tensor], Tensor], mask: Tensor, batch: int, height: int, width: int
) -> Callable[[Tensor], Tensor]:
    """The same loss of the same whole picture, but only the part under the mask is asked to change.

    Args:
        loss: images `[batch, 3, height, width]` → `[batch]`.
        mask: `[1 or batch, 1, h, w]` in [0, 1]; the gradient is multiplied by it.
    """
    mask = F.interpolate(repeat_reference(mask, batch, "Loss mask"), (height, width), mode="bilinear", antialias=True)

    def masked(images: Tensor) -> Tensor:
        return loss(mask * images + (1 - mask) * images.detach())

    return masked
