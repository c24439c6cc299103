"""How several losses share the say."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .per_sample import norm_per_sample, per_sample, usable


def shares(gradients: Sequence[Tensor], weights: Sequence[float], balanced: bool) -> list[Tensor]:
    """The factor of each loss in the sum, for each sample, `[B]`: w_i; balanced: w_i / ‖g_i‖.

    Balanced factors are scaled by the weighted mean of the norms, so that a loss alone counts as in the plain sum. A
    loss without a usable gradient is left out, sample by sample.
    """
    if not balanced or len(gradients) == 1:
        return [gradient.new_full([len(gradient)], weight) for weight, gradient in zip(weights, gradients)]
    there = [usable(gradient) for gradient in gradients]
    norms = [torch.where(u, norm_per_sample(gradient).flatten(), 1) for u, gradient in zip(there, gradients)]
    length, total = torch.zeros_like(norms[0]), torch.zeros_like(norms[0])
    for u, weight, norm in zip(there, weights, norms):
        length = length + torch.where(u, abs(weight) * norm, 0)
        total = total + abs(weight) * u
    mean = length / total.clamp(min=torch.finfo(total.dtype).tiny)
    return [torch.where(u, weight * mean / norm, 0) for u, weight, norm in zip(there, weights, norms)]


def weighted_sum(gradients: Sequence[Tensor], factors: Sequence[Tensor]) -> Tensor:
    """Σ factor_i·g_i; a factor of 0 leaves out even what is not finite."""
    total = torch.zeros_like(gradients[0])
    for gradient, factor in zip(gradients, factors):
        factor = per_sample(factor, gradient)
        total = total + torch.where(factor == 0, 0, factor * gradient)
    return total
