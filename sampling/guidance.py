"""What a run is guided by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from .estimate import EstimateGradient, estimate_gradient, estimate_value
from .gradient_modes import Differentiator
from .loss_term import LossTerm
from .methods import DSG, GuidanceMethod
from .probe import losses_agree
from .progress import Progress
from .rate import GuidanceRate


@dataclass(frozen=True)
class Guidance:
    """What the picture must satisfy, and how the sampler is steered there.

    Attributes:
        losses: the terms of the loss.
        decode: latents `[B, ...]` → images in about [0, 1], `[B, 3, H, W]`, differentiable.
        rate: the guidance rate over the run.
        method: one of `METHODS`, or your own.
        progress: how far the run is at each noise level.
        balanced: whether several losses count by their weights alone, whatever the sizes of their gradients.
        sparing_decode: the same as decode, but keeps little for its gradient and computes it again. None: decode.
        tiled_decode: nearly the same, with the least memory of all. None: there is no such way.
    """

    losses: Sequence[LossTerm]
    decode: Callable[[Tensor], Tensor]
    rate: GuidanceRate
    progress: Progress
    method: GuidanceMethod = DSG
    balanced: bool = True
    sparing_decode: Callable[[Tensor], Tensor] | None = None
    tiled_decode: Callable[[Tensor], Tensor] | None = None

    def active_losses(self, index: int, sigma: float) -> list[LossTerm]:
        """The losses that count in step number `index` at noise level sigma; none where the step is not guided."""
        if not (self.rate.guides(index) and self._within(self.rate, sigma)):
            return []
        return [term for term in self.losses if self._within(term, sigma) and term.when(sigma)]

    def repeats(self, sigma: float) -> int:
        """How often the guided step that begins at noise level sigma is taken."""
        start, end = self.method.recurrence_start, self.method.recurrence_end
        return self.method.recurrence if self.progress.within(start, end, sigma) else 1

    def _within(self, limited: GuidanceRate | LossTerm, sigma: float) -> bool:
        return self.progress.within(limited.start_percent, limited.end_percent, sigma)

    @property
    def only_as_needed(self) -> bool:
        """Whether a loss counts only until it is down to its floor."""
        return self.method.spherical and self.rate.automatic

    def gradient_at(
        self, losses: Sequence[LossTerm], differentiator: Differentiator
    ) -> Callable[[Tensor], EstimateGradient]:
        """x̂_0 → the gradient of these losses there, as sparing with memory as the differentiator is at that time."""

        def gradient(denoised: Tensor) -> EstimateGradient:
            decode = self.decoder(differentiator)
            return estimate_gradient(denoised, losses, decode, self.balanced, self.only_as_needed)

        return gradient

    def check(
        self,
        differentiator: Differentiator,
        losses: Sequence[LossTerm],
        denoised: Tensor,
        at_estimate: EstimateGradient,
    ) -> None:
        """Hold the losses' gradient at x̂_0 against a small step along it, and say it if they disagree."""
        if not at_estimate.factors:
            return

        def value_at(estimate: Tensor) -> Tensor:
            decode = self.decoder(differentiator)
            return estimate_value(estimate, losses, decode, at_estimate.factors, self.only_as_needed)

        if not losses_agree(value_at, denoised, at_estimate):
            names = ", ".join(term.name for term in losses)
            differentiator.denoisers.tell(
                f"DSG: a test step contradicts the gradient of the losses ({names}) or of the VAE; the picture may not "
                "come closer to what they ask for."
            )

    def decoder(self, differentiator: Differentiator) -> Callable[[Tensor], Tensor]:
        """The way to decode that is as sparing with memory as the differentiator is now."""
        if differentiator.tiles and self.tiled_decode:
            return self.tiled_decode
        return (differentiator.sparing and self.sparing_decode) or self.decode
