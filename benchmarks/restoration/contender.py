"""Who is compared."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from .network import Network
from .problem import Problem

Restore = Callable[[Network, Problem, int, float], Tensor]


@dataclass(frozen=True)
class Contender:
    """A method of a library.

    Attributes:
        library, method: as the table names them.
        restore: `(network, problem, steps, strength) → pictures`, `[B, 3, 64, 64]` in [0, 1].
        strengths: what its one number is chosen from; one alone: nothing is searched.
        tasks: that it can do.
        most_steps: with more it is the same as another one.
    """

    library: str
    method: str
    restore: Restore
    strengths: tuple[float, ...]
    tasks: tuple[str, ...] = ("inpainting", "super-resolution", "deblurring")
    most_steps: int = 1000

    @property
    def name(self) -> str:
        return f"{self.library}: {self.method}"
