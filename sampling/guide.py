"""A guidance at work: what it asks of the model in each step of one run, and remembers from step to step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from .constraint import Proposal, free
from .differentiation.differentiator import Differentiator
from .differentiation.memory import is_out_of_memory
from .differentiation.networks import Decoders, Denoisers, levels
from .differentiation.probe import value_agrees
from .differentiation.pullbacks import Pullback
from .estimate import EstimateGradient, estimate_gradient, estimate_value
from .guidance import Guidance
from .loss_gradient import loss_gradient
from .loss_term import LossTerm
from .methods.estimator import GuidedEstimate, Oracle, Strengths
from .per_sample import norm_per_sample, usable
from .report import StepRecord
from .step import Posterior, Step

Noise = Callable[[str], Tensor]


class Way(Protocol):
    """How one step of the run is taken, once or several times.

    Attributes:
        step: its numbers.
        repeats: how often.
    """

    @property
    def step(self) -> Step: ...

    @property
    def repeats(self) -> int: ...

    def estimate(self, x: Tensor, noise: Noise) -> Any:
        """What `take` needs, with the model's x̂_0 as `denoised`; `noise` gives another one for each name."""

    def take(
        self, estimate: Any, unguided: Posterior, noise: Tensor, region: Tensor | None
    ) -> tuple[Tensor, StepRecord]:
        """x_s, and what happened."""


class Unguided(NamedTuple):
    """denoised: the model's x̂_0, `[B, ...]`."""

    denoised: Tensor


@dataclass(frozen=True)
class PlainStep:
    """A step as the model takes it."""

    denoisers: Denoisers
    step: Step
    repeats: int = 1

    def estimate(self, x: Tensor, noise: Noise) -> Unguided:
        with torch.no_grad():
            return Unguided(self.denoisers.plain(x, levels(x, self.step.sigma_t)))

    def take(
        self, estimate: Unguided, unguided: Posterior, noise: Tensor, region: Tensor | None
    ) -> tuple[Tensor, StepRecord]:
        return unguided.sample(noise), StepRecord(self.step.sigma_t)


@dataclass(frozen=True)
class GuidedStep:
    """A step that losses guide.

    Attributes:
        repeats: how often it is taken.
        losses: those that count in it.
        strengths: the method's numbers in it.
        measures: whether it computes the losses, rather than to go on with their last gradient where it can.
        with_costs: whether the costs of the losses are measured.
    """

    guide: "Guide"
    step: Step
    repeats: int
    losses: Sequence[LossTerm]
    strengths: Strengths
    measures: bool
    with_costs: bool

    def estimate(self, x: Tensor, noise: Noise) -> GuidedEstimate:
        """What the method makes of x_t, in a way to the gradient that works."""
        estimate = self.guide.differentiator.run(self._estimate, x, noise)
        self.guide.remember(self.losses, estimate.at_estimate)
        return estimate

    def take(
        self, estimate: GuidedEstimate, unguided: Posterior, noise: Tensor, region: Tensor | None
    ) -> tuple[Tensor, StepRecord]:
        """x_s, by the method's constraint, and what happened."""
        constraint = self.guide.guidance.method.constraint
        displacement = free(torch.as_tensor(unguided.pull * estimate.shift + estimate.push), region)
        norms, excess = norm_per_sample(free(estimate.gradient, region)).flatten(), estimate.at_estimate.excess
        proposal = Proposal(displacement, norms, excess, self.step, self.guide.guidance.when)
        x_s, rate = constraint.step(unguided, noise, proposal, region)

        satisfied = (excess == 0) & constraint.only_as_needed
        losses = estimate.at_estimate.losses
        return x_s, StepRecord(
            self.step.sigma_t,
            guidance_rate=rate,
            gradient_norm=norms.tolist(),
            losses={name: loss.value.tolist() for name, loss in losses.items()},
            costs={name: loss.cost for name, loss in losses.items() if loss.cost},
            skipped=int((~usable(displacement) & ~satisfied).sum()),
        )

    def _estimate(self, differentiator: Differentiator, x: Tensor, noise: Noise) -> GuidedEstimate:
        sigma = self.step.sigma_t

        def denoise(x: Tensor) -> tuple[Tensor, Pullback]:
            estimate = differentiator.denoise(x, sigma)

            def pull_back(v: Tensor) -> Tensor:
                gradient = estimate.pull_back(v)
                differentiator.check(x, sigma, estimate, v, gradient)
                return gradient

            return estimate.denoised, pull_back

        def misfit_at(place: Tensor, precisions: Sequence[Tensor]) -> EstimateGradient:
            terms = [term.misfit(precision) for term, precision in zip(self.losses, precisions)]
            return estimate_gradient(place, terms, differentiator.decode)

        oracle = Oracle(denoise, self._gradient_at(differentiator), noise, self.losses, misfit_at)
        estimate = self.guide.guidance.method.estimator(x, self.step, self.strengths, oracle)
        self.guide.check_once(self.losses, estimate)
        return estimate

    def _gradient_at(self, differentiator: Differentiator) -> Callable[[Tensor], EstimateGradient]:
        """x̂_0 → the gradient of the losses there, or their last one, which has no values of its own."""
        last = None if self.measures else self.guide.last_gradient(self.losses)
        if last is not None:
            return lambda denoised: last._replace(losses={})
        balanced = self.guide.guidance.balanced
        return lambda denoised: estimate_gradient(
            denoised, self.losses, differentiator.decode, balanced, self.with_costs
        )


@dataclass
class Guide:
    """A guidance in one run.

    Attributes:
        guidance: what the run is guided by.
        denoisers: of the model.
        steps: of the run.
        differentiator: the ways to the gradient, and the one that is in use.
        losses: those that count in each step; none in those that are not guided.
    """

    guidance: Guidance
    denoisers: Denoisers
    steps: Sequence[Step]
    differentiator: Differentiator = field(init=False)
    losses: list[list[LossTerm]] = field(init=False)
    _last: tuple[list[str], EstimateGradient] | None = field(init=False, default=None)
    _checked: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        method = self.guidance.method
        method.check_losses(self.guidance.losses)
        mode = method.gradient_mode if method.rho else "none"
        self.differentiator = Differentiator(self.denoisers, Decoders.of(self.guidance.decoder), mode)
        self.losses = [self.guidance.losses_at(step) for step in self.steps]

    def ways(self) -> Iterator[Way]:
        """How each of the steps is taken."""
        method, when = self.guidance.method, self.guidance.when
        measuring = [
            step.index for step, losses in zip(self.steps, self.losses) if losses and when.measures(step.index)
        ]
        costly = measuring[:2][-1:]  # the second, since the first one also warms up
        for step, losses, strengths in zip(self.steps, self.losses, method.strengths(self.steps)):
            if losses:
                measures, repeats = when.measures(step.index), method.repeats(step, len(self.steps))
                yield GuidedStep(self, step, repeats, losses, strengths, measures, step.index in costly)
            else:
                yield PlainStep(self.denoisers, step)

    def try_gradient(self, x: Tensor) -> None:
        """Where a gradient is insisted on and the first step takes none, a trial: to fail now and not in the middle.

        Raises:
            RuntimeError: if the denoiser gives no gradient.
        """
        method = self.guidance.method
        insisted = method.rho and method.gradient_mode in ("exact", "low memory")
        if not insisted or not any(self.losses) or self.losses[0]:
            return
        try:
            loss_gradient(
                self.denoisers,
                x,
                self.steps[0].sigma_t,
                self.guidance.losses,
                Decoders.of(self.guidance.decoder).plain,
                mode=method.gradient_mode,
            )
        except RuntimeError as error:
            if not is_out_of_memory(error):  # for that, the run has cheaper ways
                raise

    def remember(self, losses: Sequence[LossTerm], gradient: EstimateGradient) -> None:
        self._last = [term.name for term in losses], gradient

    def last_gradient(self, losses: Sequence[LossTerm]) -> EstimateGradient | None:
        """The gradient of these losses at an earlier estimate, if the last one was of these."""
        names, gradient = self._last or ([], None)
        return gradient if names == [term.name for term in losses] else None

    def check_once(self, losses: Sequence[LossTerm], estimate: GuidedEstimate) -> None:
        """Hold the losses' gradient at x̂_0 against a small step along it, once a run, and say it if they disagree."""
        at_estimate = estimate.at_estimate
        if self._checked or not at_estimate.factors:
            return

        def value_at(place: Tensor) -> Tensor:
            return estimate_value(place, losses, self.differentiator.decode, at_estimate.factors)

        if not value_agrees(value_at, estimate.denoised, at_estimate.excess, at_estimate.v):
            names = ", ".join(term.name for term in losses)
            self.denoisers.tell(
                f"DSG: a test step contradicts the gradient of the losses ({names}) or of the VAE; the picture may not "
                "come closer to what they ask for."
            )
        self._checked = True
