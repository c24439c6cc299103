"""One guided step of any of the methods; see `methods` for the numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .coordinates import alpha_bar, vp_scale
from .estimate import EstimateGradient, smoothed_gradient
from .gradient_modes import Differentiator
from .methods import GuidanceMethod
from .posterior import alpha, posterior_std


@dataclass(frozen=True)
class StepNumbers:
    """A method's numbers in one step of a run.

    Attributes:
        rho, mu, smoothing: the method's, times their schedules.
        sigma_t, sigma_s: the noise levels of the step.
        eta, flow: see `posterior`.
    """

    rho: float
    mu: float
    smoothing: float
    sigma_t: float
    sigma_s: float
    eta: float = 1.0
    flow: bool = False

    @classmethod
    def of_run(
        cls, method: GuidanceMethod, sigmas: Sequence[float], eta: float = 1.0, flow: bool = False
    ) -> list["StepNumbers"]:
        """One for each step of a run through these noise levels."""
        alpha_bars = [alpha_bar(sigma, flow) for sigma in sigmas]
        rhos, mus = method.rho_schedule(alpha_bars), method.mu_schedule(alpha_bars)
        smoothings = method.smoothing_schedule(alpha_bars)
        return [
            cls(method.rho * rho, method.mu * mu, method.smoothing * smoothing, sigma_t, sigma_s, eta, flow)
            for rho, mu, smoothing, sigma_t, sigma_s in zip(rhos, mus, smoothings, sigmas, sigmas[1:])
        ]


class GuidedEstimate(NamedTuple):
    """What the losses say about x_t.

    denoised: x̂_0; gradient: Jᵀ·v, or v for methods without rho; shift: where the estimate's own iterations went, minus
    x̂_0; each `[B, ...]`. at_estimate: the losses and v at x̂_0.
    """

    denoised: Tensor
    gradient: Tensor
    shift: Tensor
    at_estimate: EstimateGradient


def guided_estimate(
    differentiator: Differentiator,
    x: Tensor,
    method: GuidanceMethod,
    numbers: StepNumbers,
    gradient_at: Callable[[Tensor], EstimateGradient],
    noise: Callable[[str], Tensor],
    check: Callable[[Tensor, EstimateGradient], None] | None = None,
) -> GuidedEstimate:
    """Denoise x_t, and differentiate the losses as the method does.

    Args:
        x: x_t, `[B, ...]`.
        gradient_at: x̂_0 → the losses' gradient there.
        noise: a name → N(0, I) of x's shape, another one for each name.
        check: holds the losses' gradient at x̂_0 against something else.
    """
    estimate = differentiator.denoise(x, numbers.sigma_t)
    denoised = estimate.denoised
    draws = method.draws if numbers.smoothing > 0 else 0
    shifts = [numbers.smoothing * noise(f"smoothing {draw}") for draw in range(draws)]

    first = smoothed_gradient(denoised, shifts, gradient_at)
    gradient = estimate.pull_back(first.v)
    differentiator.check(x, numbers.sigma_t, estimate, first.v, gradient)
    if check:
        check(denoised, first)
    moved, v = denoised, first.v
    for iteration in range(method.iterations):
        moved = moved - numbers.mu * v
        if iteration + 1 < method.iterations:
            v = smoothed_gradient(moved, shifts, gradient_at).v
    return GuidedEstimate(denoised, gradient, moved - denoised, first)


def displacement(method: GuidanceMethod, numbers: StepNumbers, estimate: GuidedEstimate) -> Tensor:
    """How far the guided x_s lies from the unguided one, `[B, ...]`.

        α_s·shift − ρ·g / (a_t·a_s)                                     the noise that is carried on stays
        (∂posterior_mean/∂x̂_0)·(shift − (σ_t/α_t)·ρ·g / a_t)            `on_noise`: as if the estimate were another

    with a = `vp_scale`: g / a_t is the gradient in the papers' coordinates, and a step of theirs is 1 / a_s of it here.
    """
    n = numbers
    alpha_t, alpha_s = alpha(n.sigma_t, n.flow), alpha(n.sigma_s, n.flow)
    a_t, a_s = vp_scale(n.sigma_t, n.flow), vp_scale(n.sigma_s, n.flow)
    if not method.on_noise:
        return alpha_s * estimate.shift - n.rho / (a_t * a_s) * estimate.gradient
    if alpha_t == 0:  # pure noise, where there is no estimate to read from it
        return torch.zeros_like(estimate.shift)
    std = posterior_std(n.sigma_t, n.sigma_s, n.eta, n.flow)
    pull = alpha_s - max(n.sigma_s**2 - std**2, 0) ** 0.5 * alpha_t / n.sigma_t
    return pull * (estimate.shift - n.sigma_t / alpha_t * n.rho / a_t * estimate.gradient)
