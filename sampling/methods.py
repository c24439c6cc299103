"""Guidance methods as presets: a row of numbers each."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .posterior import alpha
from .spherical import usable


@dataclass(frozen=True)
class GuidanceMethod:
    """How a gradient becomes a step.

    Attributes:
        name: as in the paper.
        spherical: put the step on the sphere of DSG; then only the gradient's direction counts.
        step_size: ζ, the step along the gradient where the constraint is off, in the coordinates of the papers
            (variance preserving) and for losses of pictures in [0, 1]. Papers that compute the loss on pictures in
            [−1, 1] have half this number for the same step.
    """

    name: str
    spherical: bool
    step_size: float = 0.0


DSG = GuidanceMethod("DSG", spherical=True)
# Chung et al., "Diffusion Posterior Sampling", ICLR 2023, arXiv 2209.14687, algorithm 1.
DPS = GuidanceMethod("DPS", spherical=False, step_size=10.0)

METHODS = {method.name: method for method in (DSG, DPS)}


def gradient_step(
    unguided: Tensor, gradient: Tensor, step_size: float, sigma_t: float, sigma_s: float, flow: bool
) -> Tensor:
    """x_s − ζ·g / (a_t·a_s): the papers' x_s − ζ·∇_{x_t} L, moved from their coordinates into ours.

    Variance preserving latents are a·x with a = 1 / sqrt(α² + σ²), so a gradient in them is g / a_t, and a step of
    theirs is 1 / a_s of it here. Samples whose gradient is zero or not finite stay where they are. All `[B, ...]`.
    """
    inverse_a_t = (alpha(sigma_t, flow) ** 2 + sigma_t**2) ** 0.5
    inverse_a_s = (alpha(sigma_s, flow) ** 2 + sigma_s**2) ** 0.5
    guide = usable(gradient).view(-1, *[1] * (gradient.ndim - 1))
    return torch.where(guide, unguided - step_size * inverse_a_t * inverse_a_s * gradient, unguided)
