"""One step of the unguided sampler: the Gaussian from which the less noisy latent is drawn.

Song et al., "Denoising Diffusion Implicit Models", ICLR 2021, arXiv 2010.02502, equations 12 and 16, written for
`x_t = α_t·x_0 + σ_t·noise` with any α.
"""

import math

from torch import Tensor


def alpha(sigma: float, flow: bool) -> float:
    """The signal's scale at noise level σ: 1 − σ for flow matching, 1 for variance exploding models."""
    return 1 - sigma if flow else 1.0


def posterior_std(sigma_t: float, sigma_s: float, eta: float, flow: bool) -> float:
    """η·σ_s·sqrt(1 − (α_t·σ_s / (α_s·σ_t))²). η = 1 is DDPM's posterior, η = 0 is DDIM's deterministic step."""
    alpha_t, alpha_s = alpha(sigma_t, flow), alpha(sigma_s, flow)
    ratio = alpha_t * sigma_s / (alpha_s * sigma_t)
    return eta * sigma_s * math.sqrt(max(1 - ratio**2, 0))


def posterior(
    x_t: Tensor, denoised: Tensor, sigma_t: float, sigma_s: float, eta: float = 1.0, flow: bool = False
) -> tuple[Tensor, float]:
    """Mean and standard deviation of x_s given x_t and the estimate of x_0.

    Args:
        x_t: the latent at noise level `sigma_t`, `[B, ...]`.
        denoised: the estimate x̂_0 = E[x_0 | x_t], of the same shape.
        sigma_t, sigma_s: noise levels, `sigma_t > sigma_s ≥ 0`.
        eta: in [0, 1], how much of the step's noise is fresh.
        flow: α = 1 − σ (flow matching) rather than α = 1.

    Returns:
        `posterior_mean`, of x_t's shape, and `posterior_std`: x_s = posterior_mean + posterior_std · noise.
    """
    std = posterior_std(sigma_t, sigma_s, eta, flow)
    direction = (x_t - alpha(sigma_t, flow) * denoised) / sigma_t
    return alpha(sigma_s, flow) * denoised + math.sqrt(max(sigma_s**2 - std**2, 0)) * direction, std
