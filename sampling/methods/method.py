"""What a training-free method is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from ..constraint import Constraint, Unconstrained
from ..differentiation.differentiator import GradientMode
from ..loss_term import LossTerm
from ..step import Posterior, Previous, Step, alpha_bar, posterior
from .estimator import Estimator, Strengths
from .schedules import Schedule, constant, noise
from .tfg import tfg_estimate

Solver = Callable[[Tensor, Tensor, Step, Previous | None], Posterior]


@dataclass(frozen=True)
class GuidanceMethod:
    """How the gradient of the losses becomes a step.

    Strengths are in the papers' coordinates (variance preserving), for losses of pictures in [0, 1]. A paper that
    computes a residual of pictures in [−1, 1] has half the number for the same step.

    Attributes:
        name: as in the paper.
        rho: strength of the gradient that goes through the denoiser. 0: the denoiser needs no gradient.
        rho_schedule: how rho moves over the run.
        mu: strength of a step that the estimate x̂_0 takes by itself, without the denoiser.
        mu_schedule: how mu moves over the run.
        iterations: how many of these steps x̂_0 takes, one after the other; or how many conjugate gradients.
        smoothing: the loss is that of x̂_0 + smoothing·noise rather than of x̂_0.
        smoothing_schedule: how the smoothing moves over the run.
        draws: over how many draws of that noise exp(−loss) is averaged.
        on_noise: the guided estimate also changes the noise that the step carries on. Otherwise that is x_t's own.
        recurrence: how often a step is taken, with time travel back to its start in between.
        recurrence_start, recurrence_end: the range of the run, in [0, 1], where it is taken more than once.
        passes: a run of few steps takes each as often as fits into so many guided passes, if that is more often; but
            the first once, as it begins in noise and ends in noise that is renewed, so that repeats change nothing.
        estimator: `(x_t, step, strengths, oracle) → GuidedEstimate`: what the losses say about x_t.
        solver: `(x_t, x̂_0, step, the step before) → Posterior`: how the unguided sampler steps.
        eta: how fresh the noise is that the solver is for, see `Step`. None: as the run has it.
        constraint: what the displacement is put through.
        for_measurements: whether it can do with losses alone that are measurements (see `LossTerm.measured`).
        gradient_mode: how the denoiser's gradient is computed.

    Raises:
        ValueError: in one sentence, for a deterministic method under a constraint that needs noise.
    """

    name: str
    rho: float = 0.0
    rho_schedule: Schedule = constant
    mu: float = 0.0
    mu_schedule: Schedule = constant
    iterations: int = 0
    smoothing: float = 0.0
    smoothing_schedule: Schedule = noise
    draws: int = 1
    on_noise: bool = False
    recurrence: int = 1
    recurrence_start: float = 0.0
    recurrence_end: float = 1.0
    passes: int = 0
    estimator: Estimator = tfg_estimate
    solver: Solver = posterior
    eta: float | None = None
    constraint: Constraint = Unconstrained()
    for_measurements: bool = False
    gradient_mode: GradientMode = "auto"

    def __post_init__(self) -> None:
        if self.eta == 0 and self.constraint.needs_noise:
            raise ValueError(
                f"{self.name} is deterministic, so there is no sphere of noise for the constraint to choose a point "
                "on; set constraint to none."
            )

    def check_losses(self, losses: Sequence[LossTerm]) -> None:
        """Raises ValueError, in one sentence, for losses that it can do nothing with."""
        others = [term.name for term in losses if not term.measured]
        if self.for_measurements and others:
            raise ValueError(
                f"DSG: the method {self.name} is for measurements of the whole picture (Mask, Super-Resolution, Deblur "
                f"and Colorize Loss, with a weight above 0 and no mask of where), and {', '.join(others)} is none; "
                "choose DSG in the Guidance Method node."
            )

    def with_strength(self, strength: float) -> "GuidanceMethod":
        """The method with this rho, or this mu if it has no rho; a method that has both keeps their ratio."""
        if self.rho > 0:
            return replace(self, rho=strength, mu=self.mu * strength / self.rho)
        return replace(self, mu=strength)

    def fits(self, steps: int) -> int:
        """How often each of so many steps fits into `passes`."""
        return self.passes // steps if steps else 0

    def repeats(self, step: Step, steps: int) -> int:
        """How often a guided step is taken in a run of so many."""
        often = max(self.recurrence, self.fits(steps) if step.index else 1)
        return often if step.within(self.recurrence_start, self.recurrence_end) else 1

    def strengths(self, steps: Sequence[Step]) -> list[Strengths]:
        """The method's numbers in each step of a run."""
        bars = [alpha_bar(step.sigma_t, step.flow) for step in steps]
        bars += [alpha_bar(step.sigma_s, step.flow) for step in steps[-1:]]
        schedules = self.rho_schedule(bars), self.mu_schedule(bars), self.smoothing_schedule(bars)
        return [self._strengths(*factors) for factors in zip(*schedules)]

    def _strengths(self, rho: float, mu: float, smoothing: float) -> Strengths:
        smoothing *= self.smoothing
        draws = self.draws if smoothing > 0 else 0
        return Strengths(self.rho * rho, self.mu * mu, self.iterations, smoothing, draws, self.on_noise)
