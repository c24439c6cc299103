"""A loss with its place in the sum."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LossTerm:
    """One thing that the picture must satisfy.

    Attributes:
        name: shown in the report.
        loss: images in [0, 1], `[B, 3, H, W]` → one value per sample, `[B]`, differentiable.
        weight: factor in the sum of the losses.
        start_percent, end_percent: the range of the run in which it counts, in [0, 1].
        when: whether it counts at a noise level, beside that range.
        floor: the value that the measurement's noise alone explains, one for all samples or `[B]`. 0: unknown.
    """

    name: str
    loss: Callable[[Tensor], Tensor]
    weight: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0
    floor: float | Tensor = 0.0
    when: Callable[[float], bool] = lambda sigma: True
