"""A loss with its place in the sum."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class LossTerm:
    """One thing that the picture must satisfy.

    Attributes:
        name: shown in the report.
        loss: images in [0, 1], `[B, 3, H, W]`, or the frames of B videos, `[B·frames, 3, H, W]` → one value per sample,
            `[B]`, differentiable.
        weight: factor in the sum of the losses.
        start_percent, end_percent: the range of the run in which it counts, in [0, 1].
        when: whether it counts at a noise level, beside that range.
        floor: the value at which there is nothing left to ask for, one for all samples or `[B]`; what the measurement's
            noise alone explains, for instance. None: unknown, it counts whatever its value is.
        noise_level: standard deviation of the noise in each number that the loss compares with. 0: none, or unknown.
        values: if the loss is the L2 norm of a residual, linear in the picture: of how many numbers, one for all
            samples or `[B]`. None: it is something else.
    """

    name: str
    loss: Callable[[Tensor], Tensor]
    weight: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0
    when: Callable[[float], bool] = lambda sigma: True
    floor: float | Tensor | None = None
    noise_level: float = 0.0
    values: float | Tensor | None = None

    @property
    def measured(self) -> bool:
        """Whether it is a measurement to be met."""
        return self.values is not None and self.weight > 0

    def misfit(self, precision: Tensor) -> "LossTerm":
        """½·p·L², unweighted, with a precision p for each of its values."""
        return replace(self, loss=lambda images: precision / 2 * self.loss(images) ** 2, weight=1.0, floor=None)

    def excess(self, value: Tensor) -> Tensor:
        """What counts of its values, `[B]`: what exceeds the floor."""
        return value if self.floor is None else (value - self.floor).clamp(min=0)

    def counts(self, excess: Tensor) -> Tensor:
        """Whether there is anything left to ask for, bool `[B]`."""
        return torch.ones_like(excess, dtype=torch.bool) if self.floor is None else excess != 0
