"""Which way to the gradient is taken, and what happens where it does not work."""

import contextlib
import gc
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, NamedTuple, TypeVar, get_args

import torch
from torch import Tensor

from .memory import is_out_of_memory
from .networks import Decoder, Decoders, Denoisers
from .probe import denoiser_agreement, repeats, roughly
from .pullbacks import Pullback, exact, finite_difference, low_memory, none
from .replay import Again
from .saved_tensors import is_overwritten, overwriting_allowed, saved_tensors

GradientMode = Literal["auto", "exact", "low memory", "finite difference", "none"]
GRADIENT_MODES: tuple[GradientMode, ...] = get_args(GradientMode)
WAYS: dict[str, Callable[[Denoisers, Tensor, float, Again], tuple[Tensor, Pullback]]] = {
    "exact": exact,
    "low memory": low_memory,
    "finite difference": finite_difference,
    "none": none,
}
CHEAPER = {"exact": "low memory", "low memory": "finite difference"}
AMPLE = 2  # times what a pass has kept: with so much there is, the next one need not be counted
SHORTAGE = "memory is short"
WRONG = "a test step contradicts the gradient that this model gives"
CHANGING = "a patch of this model makes something else of each pass"

Result = TypeVar("Result")


class _NoGradient(RuntimeError):
    """The denoiser cannot be differentiated; the message says why."""


class Estimate(NamedTuple):
    """x̂_0, v → Jᵀ·v, and the context in which another pass would see what this one saw."""

    denoised: Tensor
    pull_back: Pullback
    again: Again


class Differentiator:
    """Denoises with a pullback and decodes, and changes to a way that works: for the rest of the run, and says so.

    Attributes:
        mode: the way in use, one of `WAYS`.
        history: every way that was used, in order.
        checked: the ways that were held against another pass.
        agreement: what a test step changed, over what the gradient says of it. None: none was taken.
        tiles: whether the estimate is decoded in tiles.
        overwrites: whether the denoiser changes what its gradient needs (as Flux's `img += …` does), so that an exact
            pass has to watch for it. It costs a little time for each operation.
        kept: bytes, the most that an exact pass kept of those that were counted, which costs a little time as well.
    """

    def __init__(self, denoisers: Denoisers, decoders: Decoders, mode: GradientMode = "auto"):
        self.denoisers, self.decoders = denoisers, decoders
        self.automatic = mode == "auto"
        self.mode: str = "exact" if self.automatic else mode
        self.tiles = False
        self.history: list[str] = [self.mode]
        self.checked: set[str] = set()
        self.agreement: float | None = None
        self.overwrites = False
        self.kept = math.inf

    @property
    def decode(self) -> Decoder:
        """The decoder that is as sparing with memory as the denoiser's gradient is now."""
        if self.tiles and self.decoders.tiled:
            return self.decoders.tiled
        return (self.mode != "exact" and self.decoders.sparing) or self.decoders.plain

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

    def denoise(self, x: Tensor, sigma: float) -> Estimate:
        """The estimate of x at noise level sigma, and the way back from it."""
        again = self.denoisers.remember()
        denoised, pull_back = self._noticing(lambda: WAYS[self.mode](self.denoisers, x, sigma, again))
        return Estimate(denoised, lambda v: self._noticing(lambda: pull_back(v)), again)

    def check(self, x: Tensor, sigma: float, estimate: Estimate, v: Tensor, gradient: Tensor) -> None:
        """Hold a gradient, Jᵀ·v, against another pass, once for each way in a run, and say it if they disagree.

        Raises:
            RuntimeError: for `run`, which then takes another way, in the mode "auto".
        """
        if self.mode in self.checked or self.mode == "none":
            return
        self.checked.add(self.mode)
        plain = self.denoisers.plain
        if self.mode == "finite difference":
            if not repeats(plain, estimate.again, x, sigma, estimate.denoised):
                self.denoisers.tell(f"DSG: {CHANGING}, so finite differences hardly guide; set gradient to exact.")
            return
        differentiable = self.denoisers.differentiable or plain
        place = estimate.again, x, sigma, estimate.denoised
        self.agreement = denoiser_agreement(differentiable, self.denoisers.precision, *place, v, gradient)
        right = roughly(self.agreement)
        if right and self.mode == "exact":  # low memory's is the gradient of a second pass, the first one's equal
            return
        if not repeats(differentiable, *place):
            self.denoisers.tell(f"DSG: {CHANGING}, so the gradient could not be checked; guidance may be weak.")
        elif not right and self.automatic:
            raise _NoGradient(WRONG)
        elif not right:
            self.denoisers.tell(f"DSG: {WRONG}; set gradient to finite difference in the Guidance Method node.")

    def _noticing(self, differentiate: Callable[[], Result]) -> Result:
        """In the mode "auto", tell errors of the denoiser's gradient from those of the losses."""
        try:
            return differentiate()
        except (RuntimeError, NotImplementedError) as error:
            if not self.automatic or self.mode not in CHEAPER or is_out_of_memory(error):
                raise
            raise _NoGradient(f"this model gives no gradient ({str(error)[:120]})") from error

    @contextlib.contextmanager
    def _graph(self) -> Iterator[None]:
        """A graph may need a watch, and that of an exact pass has to fit into the memory that there is."""
        if self.overwrites and self.mode in CHEAPER:
            with overwriting_allowed():
                yield
            return
        free = self.denoisers.memory.free() if self.automatic and self.mode == "exact" else math.inf
        if free >= AMPLE * self.kept or math.isinf(free):
            yield
            return
        with saved_tensors(free) as most:
            yield
        self.kept = max(self.kept, most()) if self.kept < math.inf else most()

    def _remedy(self, error: Exception) -> Callable[[], None] | None:
        """What to do before another try; None: there is nothing."""
        if is_overwritten(error) and self.mode in CHEAPER and not self.overwrites:
            return self._watch
        if is_out_of_memory(error):
            return self._economy()
        if isinstance(error, _NoGradient):
            return partial(self._change, "finite difference", str(error))
        return None

    def _economy(self) -> Callable[[], None] | None:
        """What others keep goes first, then the graph, then the decoder's size, then exactness."""
        if self.denoisers.memory.make_room():
            self.denoisers.tell(f"DSG: {SHORTAGE}; other models were unloaded.")
            return _collect
        if self.mode == "exact":
            return partial(self._change, CHEAPER[self.mode], SHORTAGE)
        if self.decoders.tiled and not self.tiles:
            return self._tile
        return partial(self._change, CHEAPER[self.mode], SHORTAGE) if self.mode in CHEAPER else None

    def _watch(self) -> None:
        self.overwrites = True

    def _tile(self) -> None:
        self.denoisers.tell(f"DSG: {SHORTAGE}; from here on the estimate is decoded in tiles.")
        self.tiles = True
        self.history.append(f"{self.mode}, decoding in tiles")
        _collect()

    def _change(self, mode: str, why: str) -> None:
        self.denoisers.tell(f"DSG: {why}; from here on the gradient is computed in the mode {mode}.")
        self.mode = mode
        self.history.append(f"{mode}, decoding in tiles" if self.tiles else mode)
        _collect()


def _collect() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
