"""The spherical Gaussian constraint: the step of DSG.

Yang et al., "Guidance with Spherical Gaussian Constraint for Conditional Diffusion", ICML 2024, arXiv 2402.03201.
Gaussian noise of standard deviation s in n dimensions lies close to the sphere of radius s·sqrt(n) around its mean.
DSG takes, on that sphere, a point between the sample that the noise would have given and the one that lowers the loss
the most.
"""

import math

import torch
from torch import Tensor


def norm_per_sample(x: Tensor) -> Tensor:
    """L2 norm of each sample, `[B, ...] → [B, 1, ...]`.

    Sample by sample, because a reduction over the batch rounds differently for another batch size, and a picture must
    not depend on its neighbours.
    """
    norms = torch.stack([torch.linalg.vector_norm(sample) for sample in x])
    return norms.view(-1, *[1] * (x.ndim - 1))


def usable(gradient: Tensor) -> Tensor:
    """Which samples' gradients give a direction: finite and not zero. `[B, ...] → bool [B]`."""
    norms = norm_per_sample(gradient).flatten()
    return norms.isfinite() & (norms > 0)


def sphere_radius(std: float, like: Tensor, region: Tensor | None = None) -> Tensor:
    """r = sqrt(n)·std, with n the free elements of one sample. Returns `[B, 1, ...]`, or a scalar without a region."""
    if region is None:
        return torch.as_tensor(math.sqrt(like[0].numel()) * std, dtype=like.dtype, device=like.device)
    free = region.expand_as(like).flatten(1).sum(1).to(like.dtype)
    return (free.sqrt() * std).view(-1, *[1] * (like.ndim - 1))


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
    unguided = posterior_mean + posterior_std * noise
    inside = torch.ones_like(noise, dtype=torch.bool) if region is None else region.expand_as(noise)
    noise, gradient = noise * inside, torch.where(inside, gradient, 0)

    r = sphere_radius(posterior_std, noise, region)
    d_star = -r * gradient / norm_per_sample(gradient)
    d_sample = posterior_std * noise
    d_mix = d_sample + guidance_rate * (d_star - d_sample)
    guided = posterior_mean + r * d_mix / norm_per_sample(d_mix)

    guide = usable(gradient).view(-1, *[1] * (noise.ndim - 1)) & inside
    return torch.where(guide, guided, unguided)
