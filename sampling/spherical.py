"""The spherical Gaussian constraint: the step of DSG.

Yang et al., "Guidance with Spherical Gaussian Constraint for Conditional Diffusion", ICML 2024, arXiv 2402.03201.
Gaussian noise of standard deviation s in n dimensions lies close to the sphere of radius s·sqrt(n) around its mean.
DSG takes, on that sphere, a point between the sample that the noise would have given and the one that lowers the loss
the most.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .constraint import Proposal, where_guided
from .per_sample import norm_per_sample, per_sample
from .rate import GuidanceRate
from .step import Posterior


def sphere_radius(std: float, like: Tensor, region: Tensor | None = None) -> Tensor:
    """r = sqrt(n)·std, with n the free elements of one sample. Returns `[B, 1, ...]`, or a scalar without a region."""
    if region is None:
        return torch.as_tensor(math.sqrt(like[0].numel()) * std, dtype=like.dtype, device=like.device)
    elements = region.expand_as(like).flatten(1).sum(1).to(like.dtype)
    return per_sample(elements.sqrt() * std, like)


def spherical_step(
    posterior_mean: Tensor,
    posterior_std: float,
    noise: Tensor,
    gradient: Tensor,
    guidance_rate: float,
    region: Tensor | None = None,
) -> Tensor:
    """The next latent, at distance r = sqrt(n)·posterior_std from the posterior's mean.

        d_star   = −r · g / ‖g‖                                       steepest descent on the sphere
        d_sample =  posterior_std · noise                             the unguided sample
        d_mix    =  d_sample + guidance_rate · (d_star − d_sample)
        x_s      =  posterior_mean + r · d_mix / ‖d_mix‖

    Args:
        posterior_mean: `[B, ...]`, from `posterior`.
        posterior_std: above 0.
        noise: N(0, I), of the same shape.
        gradient: of the loss, of the same shape. Its scale does not matter.
        guidance_rate: in [0, 1]. 0 keeps the unguided direction, 1 is steepest descent.
        region: bool, broadcastable to the shape: the elements that are free to move. n, the norms and the constraint
            are over these alone; elsewhere the unguided sample is taken. None: all are free.

    Samples whose gradient is zero or not finite take the unguided sample.
    """
    r = sphere_radius(posterior_std, noise, region)

    def on_sphere(noise: Tensor, gradient: Tensor) -> Tensor:
        d_star = -r * gradient / norm_per_sample(gradient)
        d_sample = posterior_std * noise
        d_mix = d_sample + guidance_rate * (d_star - d_sample)
        return posterior_mean + r * d_mix / norm_per_sample(d_mix)

    return where_guided(on_sphere, Posterior(posterior_mean, posterior_std), noise, gradient, region)


@dataclass(frozen=True)
class Spherical:
    """DSG's constraint: the point on the sphere of the step's noise, as far towards the displacement as the rate says.

    Attributes:
        rate: over the guided range of the run.
    """

    rate: GuidanceRate = GuidanceRate(0.2)
    needs_noise = True
    only_as_needed = False

    def step(
        self, unguided: Posterior, noise: Tensor, proposal: Proposal, region: Tensor | None = None
    ) -> tuple[Tensor, float | None]:
        rate = self.rate.at(proposal.progress)
        return spherical_step(unguided.mean, unguided.std, noise, -proposal.displacement, rate, region), rate
