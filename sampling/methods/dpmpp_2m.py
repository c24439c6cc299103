"""DPM-Solver++(2M): a deterministic solver of second order.

Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models", 2022, arXiv 2211.01095,
algorithm 2, in the coordinates in which the host has it as `dpmpp_2m`: λ = −log σ for all models.
"""

import math

from torch import Tensor

from ..step import Posterior, Previous, Step


def dpmpp_2m(x_t: Tensor, denoised: Tensor, step: Step, previous: Previous | None = None) -> Posterior:
    """x_s = (σ_s/σ_t)·x_t + (1 − σ_s/σ_t)·D, with D the estimate, extrapolated from the step before.

        D = (1 + 1/(2r))·x̂_0 − 1/(2r)·previous x̂_0,    r = (λ_t − λ_previous) / (λ_s − λ_t)

    D is x̂_0 itself in the first step and in the last. See `step.posterior` for the arguments.
    """
    ratio = step.sigma_s / step.sigma_t
    half = 0.0
    if previous is not None and step.sigma_s > 0:
        half = math.log(ratio) / math.log(step.sigma_t / previous.step.sigma_t) / 2  # 1/(2r)
    extrapolated = (1 + half) * denoised - half * previous.denoised if previous is not None else denoised
    return Posterior(ratio * x_t + (1 - ratio) * extrapolated, 0.0, (1 - ratio) * (1 + half))
