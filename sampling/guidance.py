"""What a run is guided by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from .estimate import EstimateGradient, estimate_gradient
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
    """

    losses: Sequence[LossTerm]
    decode: Callable[[Tensor], Tensor]
    rate: GuidanceRate
    percent: Callable[[float], float]
    method: GuidanceMethod = DSG
    balanced: bool = True

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

    def gradient_at(self, losses: Sequence[LossTerm]) -> Callable[[Tensor], EstimateGradient]:
        """x̂_0 → the gradient of these losses there."""
        return lambda denoised: estimate_gradient(denoised, losses, self.decode, self.balanced, self.only_as_needed)
