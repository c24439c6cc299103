"""What a method asks in a step, and what it answers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from ..differentiation.pullbacks import Pullback
from ..estimate import EstimateGradient
from ..loss_term import LossTerm
from ..step import Step


class Oracle(NamedTuple):
    """What a method may ask in a step.

    denoise: x_t → the estimate x̂_0 and its pullback v → Jᵀ·v, with J = ∂x̂_0/∂x_t (v itself for a method without rho);
    gradient_at: x̂_0 → the losses and their gradient v there; noise: a name → N(0, I) of x's shape, another one for each
    name; losses: the terms; misfit_at: x̂_0 and a precision p for each value of each term → ½·Σ p·L² and its gradient.
    """

    denoise: Callable[[Tensor], tuple[Tensor, Pullback]]
    gradient_at: Callable[[Tensor], EstimateGradient]
    noise: Callable[[str], Tensor]
    losses: Sequence[LossTerm]
    misfit_at: Callable[[Tensor, Sequence[Tensor]], EstimateGradient]


class GuidedEstimate(NamedTuple):
    """What the losses say about x_t.

    denoised: x̂_0, `[B, ...]`; gradient: Jᵀ·v, or v for methods without rho; at_estimate: the losses and v at x̂_0;
    shift: how far the estimate that the solver goes to is moved; push: how far x_s is moved beside that. Both are of
    x̂_0's shape, or 0.
    """

    denoised: Tensor
    gradient: Tensor
    at_estimate: EstimateGradient
    shift: Tensor | float = 0.0
    push: Tensor | float = 0.0


class Strengths(NamedTuple):
    """A method's numbers in one step of a run: rho, mu and smoothing times their schedules, and the counts beside them
    (see `GuidanceMethod`)."""

    rho: float
    mu: float = 0.0
    iterations: int = 0
    smoothing: float = 0.0
    draws: int = 0
    on_noise: bool = False


Estimator = Callable[[Tensor, Step, Strengths, Oracle], GuidedEstimate]
