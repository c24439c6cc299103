"""What a run is guided by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from .estimate import EstimateGradient, estimate_gradient
from .gradient_modes import Differentiator
from .loss_term import LossTerm
from .methods import DSG, GuidanceMethod
from .rate import GuidanceRate


@dataclass(frozen=True)
class Guidance:
    """What the picture must satisfy, and how the sampler is steered there.

    Attributes:
        losses: the terms of the loss.
        decode: latents `[B, ...]` → images in about [0, 1], `[B, 3, H, W]`, differentiable.
        rate: the guidance rate over the run.
        method: one of `METHODS`, or your own.
        percent: noise level → how far the run is, in [0, 1].
        balanced: whether several losses count by their weights alone, whatever the sizes of their gradients.
        sparing_decode: the same as decode, but keeps little for its gradient and computes it again. None: decode.
        tiled_decode: nearly the same, with the least memory of all. None: there is no such way.
    """

    losses: Sequence[LossTerm]
    decode: Callable[[Tensor], Tensor]
    rate: GuidanceRate
    percent: Callable[[float], float]
    method: GuidanceMethod = DSG
    balanced: bool = True
    sparing_decode: Callable[[Tensor], Tensor] | None = None
    tiled_decode: Callable[[Tensor], Tensor] | None = None

    def active_losses(self, index: int, sigma: float) -> list[LossTerm]:
        """The losses that count in step number `index` at noise level sigma; none where the step is not guided."""
        percent = self.percent(sigma)
        if not self.rate.guides(index, percent):
            return []
        return [term for term in self.losses if term.counts(percent)]

    @property
    def only_as_needed(self) -> bool:
        """Whether a loss counts only until it is down to its floor."""
        return self.method.spherical and self.rate.automatic

    def gradient_at(
        self, losses: Sequence[LossTerm], differentiator: Differentiator
    ) -> Callable[[Tensor], EstimateGradient]:
        """x̂_0 → the gradient of these losses there, as sparing with memory as the differentiator is at that time."""

        def gradient(denoised: Tensor) -> EstimateGradient:
            decode = (differentiator.sparing and self.sparing_decode) or self.decode
            if differentiator.tiles and self.tiled_decode:
                decode = self.tiled_decode
            return estimate_gradient(denoised, losses, decode, self.balanced, self.only_as_needed)

        return gradient
