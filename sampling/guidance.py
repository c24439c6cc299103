"""What a run is guided by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .differentiation.networks import Decoder, Decoders
from .loss_term import LossTerm
from .methods.method import GuidanceMethod
from .methods.presets import DSG
from .progress import Progress
from .rate import GuidedSteps
from .step import Step


@dataclass(frozen=True)
class Guidance:
    """What the picture must satisfy, and how the sampler is steered there.

    Attributes:
        losses: the terms of the loss; without any the run is the model's own.
        decoder: latents `[B, ...]` → images in about [0, 1], `[B, 3, H, W]`, differentiable.
        method: one of `METHODS`, or your own.
        when: which steps of the run are guided.
        progress: how far the run is at each noise level. None: levels fall evenly.
        balanced: whether several losses count by their weights alone, whatever the sizes of their gradients.
    """

    losses: Sequence[LossTerm]
    decoder: Decoder | Decoders
    method: GuidanceMethod = DSG
    when: GuidedSteps = GuidedSteps()
    progress: Progress | None = None
    balanced: bool = True

    def losses_at(self, step: Step) -> list[LossTerm]:
        """The losses that count in a step; none where it is not guided."""
        if self.method.constraint.needs_noise and step.posterior_std == 0:
            return []  # the last step: no noise, so no sphere to choose a point on
        if not (self.when.guides(step.index) and _within(self.when, step)):
            return []
        return [self._with_floor(term) for term in self.losses if _within(term, step) and term.when(step.sigma_t)]

    def _with_floor(self, term: LossTerm) -> LossTerm:
        """The term with the floor that the constraint makes of it: none, or one that is 0 where it is unknown."""
        if not self.method.constraint.only_as_needed:
            return replace(term, floor=None)
        return replace(term, floor=0.0) if term.floor is None else term


def _within(limited: GuidedSteps | LossTerm, step: Step) -> bool:
    return step.within(limited.start_percent, limited.end_percent)


def no_guidance(method: GuidanceMethod | None = None) -> Guidance:
    """No guidance, on the solver of a method; None: the ancestral one."""
    plain = GuidanceMethod("unguided")
    if method is not None:
        plain = replace(plain, solver=method.solver, eta=method.eta)
    return Guidance([], lambda latent: latent, plain)
