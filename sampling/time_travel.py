"""Time travel: back up from a less noisy latent to a noisier one, so that a step can be taken again.

Lugmayr et al., "RePaint", CVPR 2022, arXiv 2201.09865. UGD (arXiv 2302.07121) and TFG (arXiv 2409.15761) call it
recurrence.
"""

import math

from torch import Tensor

from .step import Step


def travel_back(x_s: Tensor, step: Step, noise: Tensor) -> Tensor:
    """x_t = (α_t/α_s)·x_s + sqrt(σ_t² − (α_t/α_s)²·σ_s²)·noise: the latent at t, drawn given the one at s.

    Args:
        x_s: the step's result, `[B, ...]`.
        noise: N(0, I), of the same shape.
    """
    ratio = step.alpha_t / step.alpha_s
    return ratio * x_s + math.sqrt(max(step.sigma_t**2 - (ratio * step.sigma_s) ** 2, 0)) * noise
