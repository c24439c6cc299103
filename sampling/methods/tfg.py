"""The space of which the training-free methods are points.

Ye et al., "TFG: Unified Training-Free Guidance for Diffusion Models", NeurIPS 2024, arXiv 2409.15761: a gradient
through the denoiser (variance guidance), steps of the estimate by itself (mean guidance), and a smoothed loss.
"""

import torch
from torch import Tensor

from ..estimate import EstimateGradient, smoothed_gradient
from ..step import Step
from .estimator import GuidedEstimate, Oracle, Strengths


def tfg_estimate(x_t: Tensor, step: Step, strengths: Strengths, oracle: Oracle) -> GuidedEstimate:
    """Denoise x_t, and move it as the method's numbers say.

        push  = α_s·Δ − ρ·g / (a_t·a_s)                       the noise that is carried on stays x_t's own
        shift = Δ − (σ_t/α_t)·ρ·g / a_t                       `on_noise`: as if the estimate were another

    with g = Jᵀ·v, Δ = `mean_guidance`, and a as in `Step`: g / a_t is the gradient in the papers' coordinates, and a
    step of theirs is 1 / a_s of it here.
    """
    denoised, pull_back = oracle.denoise(x_t)
    shifts = [strengths.smoothing * oracle.noise(f"smoothing {draw}") for draw in range(strengths.draws)]
    at_estimate = smoothed_gradient(denoised, shifts, oracle.gradient_at)
    g = pull_back(at_estimate.v)
    moved = mean_guidance(denoised, at_estimate, shifts, strengths, oracle)
    if not strengths.on_noise:
        push = step.alpha_s * moved - strengths.rho / (step.vp_t * step.vp_s) * g
        return GuidedEstimate(denoised, g, at_estimate, push=push)
    if step.alpha_t == 0:  # pure noise, where there is no estimate to read from it
        return GuidedEstimate(denoised, g, at_estimate, shift=torch.zeros_like(moved))
    shift = moved - step.sigma_t / step.alpha_t * strengths.rho / step.vp_t * g
    return GuidedEstimate(denoised, g, at_estimate, shift=shift)


def mean_guidance(
    denoised: Tensor, at_estimate: EstimateGradient, shifts: list[Tensor], strengths: Strengths, oracle: Oracle
) -> Tensor:
    """Δ, how far the estimate goes by itself: x̂_0 ← x̂_0 − μ·∂L/∂x̂_0, a number of times."""
    moved, v = denoised, at_estimate.v
    for iteration in range(strengths.iterations):
        moved = moved - strengths.mu * v
        if iteration + 1 < strengths.iterations:
            v = smoothed_gradient(moved, shifts, oracle.gradient_at).v
    return moved - denoised
