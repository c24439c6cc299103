"""How far a run is, and whether a noise level lies within a range of it."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

BISECTIONS = 50  # to the last bit


def single(value: float) -> float:
    """The nearest number of single precision, in which noise levels are computed."""
    return struct.unpack("f", struct.pack("f", value))[0]


@dataclass(frozen=True)
class Progress:
    """The run's own scale: 0 is pure noise, 1 is the finished picture.

    Attributes:
        level: share of the run → noise level, falling.
    """

    level: Callable[[float], float]

    @classmethod
    def even(cls, highest: float) -> "Progress":
        """Of a run whose noise level falls evenly from the highest one to 0."""
        return cls(lambda share: highest * (1 - share))

    def within(self, start: float, end: float, sigma: float) -> bool:
        """Whether a step that begins at noise level sigma lies between these shares of the run, both included.

        Noise levels are compared, as the host does for its ControlNets: shares that are computed back from levels would
        lose a step that begins just where the range does.
        """
        return single(self.level(end)) <= single(sigma) <= single(self.level(start))

    def percent(self, sigma: float) -> float:
        """The share of the run at noise level sigma: the inverse of `level`."""
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.level(middle) > sigma else (low, middle)
        return (low + high) / 2
