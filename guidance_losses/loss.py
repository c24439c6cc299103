"""What a loss is."""

from collections.abc import Callable
from typing import Protocol

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


def repeat_reference(reference: Tensor, batch: int, what: str) -> Tensor:
    """One reference for all pictures, or one for each: `[1 or batch, ...] → [batch, ...]`.

    Raises:
        ValueError: for another number of references; `what` names loss and reference in the message.
    """
    if len(reference) not in (1, batch):
        raise ValueError(f"{what}: {len(reference)} were given for {batch} pictures; give one, or as many as pictures.")
    return reference.expand(batch, *reference.shape[1:])


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
