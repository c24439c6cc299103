"""A rate that tunes itself: on DSG's sphere, only as far down the gradient as the loss needs.

Polyak's step, excess / ‖g‖, is how far the linearised loss has to go until its excess over what noise explains is gone
(Polyak, "Minimization of unsmooth functionals", 1969). It is taken along −g; what is left of the sphere's radius goes
to the step's own noise, orthogonal to g.
"""

import torch
from torch import Tensor

from .spherical import norm_per_sample, sphere_radius, usable


def automatic_step(
    posterior_mean: Tensor,
    posterior_std: float,
    noise: Tensor,
    gradient: Tensor,
    needed: Tensor,
    region: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The next latent, at distance r = sqrt(n)·posterior_std from the posterior's mean.

        step = min(needed, r)
        x_s  = posterior_mean − step·g/‖g‖ + sqrt(r² − step²)·noise_⊥/‖noise_⊥‖

    Args:
        posterior_mean, posterior_std, noise, gradient, region: as for `spherical_step`.
        needed: how far to go along −g, `[B]`.

    Returns:
        The latents, and each sample's share step / r, `[B]`. Samples without a usable gradient are unguided.
    """
    unguided = posterior_mean + posterior_std * noise
    inside = torch.ones_like(noise, dtype=torch.bool) if region is None else region.expand_as(noise)
    noise, gradient = noise * inside, torch.where(inside, gradient, 0)
    guide = usable(gradient).view(-1, *[1] * (noise.ndim - 1))

    r = sphere_radius(posterior_std, noise, region)
    downhill = -gradient / torch.where(guide, norm_per_sample(gradient), 1)
    step = torch.minimum(needed.to(noise.dtype).view_as(guide).clamp(min=0), r)
    along = torch.stack([(one * other).sum() for one, other in zip(noise, downhill)]).view_as(guide)
    across = noise - along * downhill
    rest = (r**2 - step**2).clamp(min=0).sqrt()
    guided = posterior_mean + step * downhill + rest * across / norm_per_sample(across)

    share = torch.where(guide, step / r, 0).flatten()
    return torch.where(guide & inside, guided, unguided), share
