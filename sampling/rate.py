"""The guidance rate over the run, and which steps of the run are guided."""

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
    """A rate that moves from `start` to `end` along a curve, over the guided range of the run.

    Attributes:
        start: the rate where the range begins, in [0, 1]. The paper's settings are 0.05 to 0.2.
        end: the rate where it ends. None: it stays.
        curve: one of `CURVES`.
    """

    start: float
    end: float | None = None
    curve: str = "linear"

    def at(self, progress: float) -> float:
        """The rate at a share of the guided range, in [0, 1]."""
        end = self.start if self.end is None else self.end
        return self.start + (end - self.start) * CURVES[self.curve](progress)


@dataclass(frozen=True)
class GuidedSteps:
    """Every k-th step within a range of the run.

    Attributes:
        interval: k ≥ 1: the first step of the run is guided, and every k-th after it.
        start_percent, end_percent: the guided range, in [0, 1]: 0 is pure noise, 1 is the finished picture.
        reuse: the steps in between go on with the losses' last gradient at the estimate, ∂L/∂x̂_0, rather than unguided:
            at the cost of the denoiser's gradient alone, without the decoder and the losses.
    """

    interval: int = 1
    start_percent: float = 0.0
    end_percent: float = 1.0
    reuse: bool = False

    def guides(self, index: int) -> bool:
        """Whether step number `index` is guided, if it lies in the guided range."""
        return self.reuse or self.measures(index)

    def measures(self, index: int) -> bool:
        """Whether a guided step number `index` computes the losses, rather than to reuse their last gradient."""
        return index % self.interval == 0

    def progress(self, percent: float) -> float:
        """The share of the guided range that is over at `percent` of the run; that of its nearer end beyond it."""
        length = self.end_percent - self.start_percent
        return min(max((percent - self.start_percent) / length, 0.0), 1.0) if length > 0 else 0.0
