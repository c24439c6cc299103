"""Time travel: back up from a less noisy latent to a noisier one, so that a step can be taken again.

Lugmayr et al., "RePaint", CVPR 2022, arXiv 2201.09865. UGD (arXiv 2302.07121) and TFG (arXiv 2409.15761) call it
recurrence.
"""

import math

from torch import Tensor

from .posterior import alpha


def travel_back(x_s: Tensor, sigma_s: float, sigma_t: float, noise: Tensor, flow: bool = False) -> Tensor:
    """x_t = (α_t/α_s)·x_s + sqrt(σ_t² − (α_t/α_s)²·σ_s²)·noise: the latent at σ_t, drawn given the one at σ_s < σ_t."""
    ratio = alpha(sigma_t, flow) / alpha(sigma_s, flow)
    return ratio * x_s + math.sqrt(max(sigma_t**2 - (ratio * sigma_s) ** 2, 0)) * noise
