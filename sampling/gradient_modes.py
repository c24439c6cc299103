"""Which way to the gradient is taken, and what happens where it does not work."""

import contextlib
import gc
import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor
from torch.autograd.graph import allow_mutation_on_saved_tensors

from .jacobian import Denoisers, Pullback, exact, finite_difference, low_memory, none

WAYS: dict[str, Callable[[Denoisers, Tensor, float], tuple[Tensor, Pullback]]] = {
    "exact": exact,
    "low memory": low_memory,
    "finite difference": finite_difference,
    "none": none,
}
GRADIENT_MODES = ("auto", *WAYS)
CHEAPER = {"exact": "low memory", "low memory": "finite difference"}

Result = TypeVar("Result")


def is_out_of_memory(error: BaseException) -> bool:
    """On a GPU of any maker, and on a CPU that refuses an allocation."""
    words = ("out of memory", "allocate memory", "not enough memory")
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(word in str(error).lower() for word in words)


def is_overwritten(error: BaseException) -> bool:
    """Whether autograd refuses because a network changed what its gradient needs."""
    return "modified by an inplace operation" in str(error)


class _NoGradient(RuntimeError):
    """The denoiser cannot be differentiated."""


class Differentiator:
    """Denoises with a pullback, and changes to a way that works: for the rest of the run, with a line in the log.

    Attributes:
        mode: the way in use, one of `WAYS`.
        history: every way that was used, in order.
        overwrites: whether the denoiser changes what its gradient needs (as Flux's `img += …` does), so that an exact
            pass has to watch for it. It costs a little time for each operation.
    """

    def __init__(self, denoisers: Denoisers, mode: str = "auto"):
        self.denoisers = denoisers
        self.automatic = mode == "auto"
        self.mode = "exact" if self.automatic else mode
        self.history = [self.mode]
        self.overwrites = False

    @property
    def sparing(self) -> bool:
        """Whether memory counts more than time."""
        return self.mode != "exact"

    def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """`work(self, *arguments)`, and again in another way if memory runs out or, automatic, there is no gradient."""
        while True:
            try:
                with self._graph():
                    return work(self, *arguments)
            except (RuntimeError, NotImplementedError) as error:
                remedy = self._remedy(error)
                if remedy is None:
                    raise
            remedy()  # outside the handler, which keeps the failed step's tensors alive

    def denoise(self, x: Tensor, sigma: float) -> tuple[Tensor, Pullback]:
        """The estimate of x at noise level sigma, and v → Jᵀ·v."""
        denoised, pull_back = self._noticing(lambda: WAYS[self.mode](self.denoisers, x, sigma))
        return denoised, lambda v: self._noticing(lambda: pull_back(v))

    def _noticing(self, differentiate: Callable[[], Result]) -> Result:
        """In the mode "auto", tell errors of the denoiser's gradient from those of the losses."""
        try:
            return differentiate()
        except (RuntimeError, NotImplementedError) as error:
            if not self.automatic or self.mode not in CHEAPER or is_out_of_memory(error):
                raise
            raise _NoGradient(str(error)) from error

    def _graph(self) -> contextlib.AbstractContextManager:
        watching = self.overwrites and self.mode == "exact"
        return allow_mutation_on_saved_tensors() if watching else contextlib.nullcontext()

    def _remedy(self, error: Exception) -> Callable[[], None] | None:
        """What to do before another try; None: there is nothing."""
        if is_overwritten(error) and self.mode == "exact" and not self.overwrites:
            return self._watch
        if is_out_of_memory(error) and self.mode in CHEAPER:
            return partial(self._change, CHEAPER[self.mode], "memory ran out")
        if isinstance(error, _NoGradient):
            return partial(self._change, "finite difference", f"this model gives no gradient ({str(error)[:120]})")
        return None

    def _watch(self) -> None:
        self.overwrites = True

    def _change(self, mode: str, why: str) -> None:
        logging.warning("DSG: %s; from here on the gradient is computed in the mode %s.", why, mode)
        self.mode = mode
        self.history.append(mode)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
