"""The posterior's mean given measurements, by conjugate gradients: with the denoiser's gradient, or without (DiffPIR).

Given x_t, x_0 is taken for a Gaussian with the mean x̂_0 and a covariance V. For losses L_i that are norms of residuals,
with noise of variance s_i² in each of their numbers, the mean of x_0 is x̂_0 + Δ with the Δ that minimises

    Σ L_i(x̂_0 + Δ)² / (2·s_i²) + Δᵀ·V⁻¹·Δ / 2

It is found by conjugate gradients with V as preconditioner. The operator is known by the losses' gradients alone: the
difference of two of them. That takes passes through decoder and losses, none through the denoiser.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ..estimate import EstimateGradient
from ..loss_term import LossTerm
from ..per_sample import dot_per_sample, norm_per_sample, per_sample
from ..step import Step
from .estimator import GuidedEstimate, Oracle, Strengths

LEAST_COSINE = 0.05  # of v and J·v, see `mmps`
LEAST_SIGNAL = 1e-4  # α where a run of flow matching begins
ISOTROPIC = 0.2  # share of the variance along v that all other directions have
# C·J is too small, as a trained network is surer than it is right. Chosen on 16 people that no figure of ours is of.
INFLATION = 2.5
TINY = 1e-20


class Covariance(NamedTuple):
    """V = τ·I + β·u·uᵀ, symmetric and positive definite.

    τ: `[B]`, above 0; β: `[B]`, not below 0; u: `[B, ...]`.
    """

    tau: Tensor
    beta: Tensor
    u: Tensor

    @classmethod
    def isotropic(cls, variance: float, like: Tensor) -> "Covariance":
        return cls(like.new_full([len(like)], variance), like.new_zeros([len(like)]), torch.zeros_like(like))

    @classmethod
    def secant(cls, v: Tensor, g: Tensor, c: float) -> "Covariance":
        """The one of this form with V·v = c·g: a symmetric rank-one update (Nocedal and Wright 2006, section 6.2).

        The covariance is c·J with J = ∂x̂_0/∂x_t (Tweedie), and g = Jᵀ·v is all that is known of J. Where a trained
        network turns v away there is no such V, and τ·I is left.
        """
        variance = along(v, g)
        tau = ISOTROPIC * variance / dot_per_sample(v, v).clamp(min=TINY)
        u = g - per_sample(tau, v) * v
        beta = torch.where(dot_per_sample(v, g) >= variance, c / dot_per_sample(u, v).clamp(min=TINY), 0)
        return cls(c * tau, beta, u)

    def times(self, x: Tensor) -> Tensor:
        """V·x."""
        return per_sample(self.tau, x) * x + per_sample(self.beta * dot_per_sample(self.u, x), x) * self.u

    def solve(self, x: Tensor) -> Tensor:
        """V⁻¹·x, by the formula of Sherman and Morrison."""
        length = self.beta * dot_per_sample(self.u, x) / (self.tau + self.beta * dot_per_sample(self.u, self.u))
        return (x - per_sample(length, x) * self.u) / per_sample(self.tau, x)


def along(v: Tensor, g: Tensor) -> Tensor:
    """⟨v, J·v⟩, `[B]`: what the denoiser's Jacobian leaves of v, and not less than a little."""
    return torch.maximum(dot_per_sample(v, g), LEAST_COSINE * (norm_per_sample(v) * norm_per_sample(g)).flatten())


def precisions(losses: list[LossTerm], at_estimate: EstimateGradient, variance: Tensor) -> list[Tensor]:
    """1 / s² of each loss, one for each of its values.

    An unknown noise is estimated: r² = L² / (how many numbers the loss compares) is due to the noise, and to what is
    uncertain of the picture. The latter's share of r² is what r² has over r² + ⟨v, V·v⟩.

    Args:
        variance: ⟨v, V·v⟩, `[B]`.
    """
    found = []
    for term in losses:
        value = at_estimate.losses[term.name].value if at_estimate.losses else at_estimate.excess
        r2 = (value**2 / torch.as_tensor(term.values)).clamp(min=TINY)
        uncertain = variance.to(r2).repeat_interleave(len(value) // len(variance))
        told = torch.full_like(r2, term.noise_level**2)
        found.append(term.weight / (told if term.noise_level else r2**2 / (r2 + uncertain)).clamp(min=TINY))
    return found


def conjugate_gradients(
    start: Tensor, operator: Callable[[Tensor], Tensor], covariance: Covariance, iterations: int
) -> Tensor:
    """Solve operator(Δ) = −start, sample by sample, with V as preconditioner.

    A sample stops where the curvature along its direction is not above 0, as that of a decoder that is not linear.
    """
    delta, rest = torch.zeros_like(start), -start
    along_v = covariance.times(rest)
    direction, product = along_v, dot_per_sample(rest, along_v)
    going = torch.ones_like(product, dtype=torch.bool)
    for _ in range(iterations):
        image = operator(direction)
        curvature = dot_per_sample(direction, image)
        going = going & (curvature > 0) & (product > 0) & curvature.isfinite()
        length = torch.where(going, product / curvature, 0)
        delta = delta + per_sample(length, delta) * direction
        rest = rest - torch.where(per_sample(going, rest), per_sample(length, rest) * image, 0)
        along_v = covariance.times(rest)
        next_product = dot_per_sample(rest, along_v)
        ratio = torch.where(going, next_product / product.clamp(min=TINY), 0)
        direction, product = along_v + per_sample(ratio, direction) * direction, next_product
    return delta


def posterior_shift(
    denoised: Tensor,
    at_estimate: EstimateGradient,
    variance: Tensor,
    covariance: Covariance,
    oracle: Oracle,
    n: int,
    furthest: float,
) -> Tensor:
    """Δ, by n conjugate gradients, not longer than `furthest`, and not so far that the losses rise."""
    weights = precisions(list(oracle.losses), at_estimate, variance)
    here = oracle.misfit_at(denoised, weights)

    def operator(p: Tensor) -> Tensor:
        return oracle.misfit_at(denoised + p, weights).v - here.v + covariance.solve(p)

    delta = conjugate_gradients(here.v, operator, covariance, n)
    delta = delta * (furthest / norm_per_sample(delta).clamp(min=TINY)).clamp(max=1)
    slope, rise = dot_per_sample(here.v, delta), oracle.misfit_at(denoised + delta, weights).excess - here.excess
    lowest = (-slope / (2 * (rise - slope)).clamp(min=TINY)).clamp(0, 1)  # of the parabola through what is known
    length = torch.where(rise <= 0, 1, torch.where(slope < 0, lowest, 0))
    return torch.where(per_sample(rise.isfinite(), delta), per_sample(length, delta) * delta, 0)


def spread_of(x: Tensor, variance: float) -> float:
    """The length of a sample of such a variance: sqrt(n·variance)."""
    return math.sqrt(x[0].numel() * variance)


def posterior_mean_estimate(x_t: Tensor, step: Step, strengths: Strengths, oracle: Oracle) -> GuidedEstimate:
    """Denoise x_t, and move the estimate to the posterior's mean, with the covariance that one gradient tells.

    The Gaussian and its covariance C·J, C = σ_t²/α_t, are those of `mmps`. There each product with V is a pass through
    the denoiser; here V is made of the one that has been computed. (Rissanen et al., "Free Hunch", ICLR 2025, arXiv
    2410.11149, make it of the passes of several steps.)
    """
    denoised, pull_back = oracle.denoise(x_t)
    at_estimate = oracle.gradient_at(denoised)
    g = pull_back(at_estimate.v)
    c = step.sigma_t**2 / max(step.alpha_t, LEAST_SIGNAL)
    covariance, variance = Covariance.secant(at_estimate.v, g, INFLATION * c), c * along(at_estimate.v, g)
    shift = posterior_shift(
        denoised, at_estimate, variance, covariance, oracle, strengths.iterations, spread_of(x_t, c)
    )
    return GuidedEstimate(denoised, g, at_estimate, shift=strengths.rho * shift)


def proximal_estimate(x_t: Tensor, step: Step, strengths: Strengths, oracle: Oracle) -> GuidedEstimate:
    """Denoise x_t, and move the estimate to the nearest that fits the measurements: V = σ_t² / (μ·α_t²)·I.

    Zhu et al., "Denoising Diffusion Models for Plug-and-Play Image Restoration", CVPR Workshops 2023, arXiv 2305.08995,
    algorithm 1, with λ = μ.
    """
    denoised, _ = oracle.denoise(x_t)
    at_estimate = oracle.gradient_at(denoised)
    spread = step.sigma_t**2 / (strengths.mu * max(step.alpha_t, LEAST_SIGNAL) ** 2)
    variance = spread * dot_per_sample(at_estimate.v, at_estimate.v)
    covariance = Covariance.isotropic(spread, denoised)
    shift = posterior_shift(
        denoised, at_estimate, variance, covariance, oracle, strengths.iterations, spread_of(x_t, spread)
    )
    return GuidedEstimate(denoised, at_estimate.v, at_estimate, shift=shift)
