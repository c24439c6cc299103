"""The guidance rate over the run: how much of each step's direction the loss decides."""

import math
from collections.abc import Callable
from dataclasses import dataclass

CURVES: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "cosine": lambda t: (1 - math.cos(math.pi * t)) / 2,
    "ease in": lambda t: t**2,
    "ease out": lambda t: 1 - (1 - t) ** 2,
}


@dataclass(frozen=True)
class GuidanceRate:
    """A rate that moves from `start` to `end` along a curve, inside a range of the run, on every k-th step.

    Attributes:
        start, end: rates in [0, 1] at the two ends of the range. The paper's settings are 0.05 to 0.2.
        curve: one of `CURVES`.
        interval: k ≥ 1: the first step of the run is guided, and every k-th after it.
        start_percent, end_percent: the guided range, in [0, 1]: 0 is pure noise, 1 is the finished picture.
        reuse: the steps in between go on with the losses' last gradient at the estimate, ∂L/∂x̂_0, rather than unguided:
            at the cost of the denoiser's gradient alone, without the decoder and the losses.
        automatic: the loss says how much of a step it needs (see `automatic_rate`), and a rate is the share of that
            which it gets.
    """

    start: float
    end: float
    curve: str = "linear"
    interval: int = 1
    start_percent: float = 0.0
    end_percent: float = 1.0
    automatic: bool = False
    reuse: bool = False

    @classmethod
    def constant(cls, rate: float) -> "GuidanceRate":
        return cls(rate, rate)

    def guides(self, index: int) -> bool:
        """Whether step number `index` is guided, if it lies in the guided range."""
        return self.reuse or self.measures(index)

    def measures(self, index: int) -> bool:
        """Whether a guided step number `index` computes the losses, rather than to reuse their last gradient."""
        return index % self.interval == 0

    def at(self, percent: float) -> float:
        """The rate at `percent` of the run; at one end of the guided range if it lies beyond it."""
        length = self.end_percent - self.start_percent
        progress = min(max((percent - self.start_percent) / length, 0.0), 1.0) if length > 0 else 0.0
        return self.start + (self.end - self.start) * CURVES[self.curve](progress)
