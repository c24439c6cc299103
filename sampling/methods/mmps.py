"""Moment matching posterior sampling.

Rozet et al., "Learning Diffusion Priors from Observations by Expectation Maximization", NeurIPS 2024, arXiv
2405.13712, section 4: given x_t, x_0 is taken for a Gaussian with the mean x̂_0 and the covariance V = C·J, where J is
the denoiser's Jacobian and C = σ_t²/α_t. For a measurement y = A·x_0 + N(0, σ_y²) the posterior's mean is then

    x̂_0 + V·Aᵀ·(σ_y² + A·V·Aᵀ)⁻¹·(y − A·x̂_0)

The inverse is applied by conjugate gradients, of which the first iteration is taken. It needs no operator A: with
L = ‖y − A·x̂_0‖ and v = ∂L/∂x̂_0 one has Aᵀ·(y − A·x̂_0) = −L·v, so any loss that is the norm of a residual will do.
"""

import torch
from torch import Tensor

from ..per_sample import dot_per_sample, norm_per_sample, per_sample
from ..step import Step
from .estimator import GuidedEstimate, Oracle, Strengths

LEAST_COSINE = 0.05  # of v and J·v: a trained network's Jacobian is no covariance, and may turn v away


def mmps_estimate(x_t: Tensor, step: Step, strengths: Strengths, oracle: Oracle) -> GuidedEstimate:
    """Denoise x_t, and move the estimate to the posterior's mean.

    shift = −ρ·C·L·g / (σ_y² + C·⟨v, g⟩)        with g = Jᵀ·v, and ρ = 1 as in the paper
    """
    denoised, pull_back = oracle.denoise(x_t)
    at_estimate = oracle.gradient_at(denoised)
    v, residual = at_estimate.v, at_estimate.excess.clamp(min=0)
    g = pull_back(v)
    least = LEAST_COSINE * (norm_per_sample(v) * norm_per_sample(g)).flatten()
    variance = torch.maximum(dot_per_sample(v, g), least)
    noise = at_estimate.noise_level**2 * step.alpha_t / step.sigma_t**2  # over C, which is infinite at pure noise
    length = (strengths.rho * residual / (noise + variance)).to(g.dtype)
    return GuidedEstimate(denoised, g, at_estimate, shift=-per_sample(length, g) * g)
