"""A rate that tunes itself: on DSG's sphere, only as far down the gradient as the loss needs, and never too far.

Polyak's step, excess / ‖g‖, is how far the linearised loss has to go until its excess over what noise explains is gone
(Polyak, "Minimization of unsmooth functionals", 1969). It is taken along −g; what is left of the sphere's radius goes
to the step's own noise, orthogonal to g.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .constraint import Proposal, free, where_guided
from .per_sample import dot_per_sample, norm_per_sample, per_sample, usable
from .rate import GuidanceRate
from .spherical import sphere_radius
from .step import Posterior

# Share of the radius: between those of the rates 0.2 and 0.3. Without an end, two losses that cannot both be met are
# followed until the picture is gone. Chosen on 24 people that no figure of ours is of.
FURTHEST = 0.35


def automatic_step(
    posterior_mean: Tensor,
    posterior_std: float,
    noise: Tensor,
    gradient: Tensor,
    needed: Tensor,
    furthest: float = 1.0,
    region: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The next latent, at distance r = sqrt(n)·posterior_std from the posterior's mean.

        step = min(needed, furthest·r)
        x_s  = posterior_mean − step·g/‖g‖ + sqrt(r² − step²)·noise_⊥/‖noise_⊥‖

    Args:
        posterior_mean, posterior_std, noise, gradient, region: as for `spherical_step`.
        needed: how far to go along −g, `[B]`.
        furthest: the largest share of r that goes there, in [0, 1].

    Returns:
        The latents, and each sample's share step / r, `[B]`. Samples without a usable gradient are unguided.
    """
    r = sphere_radius(posterior_std, noise, region)
    step = torch.minimum(per_sample(needed.to(noise.dtype), noise).clamp(min=0), furthest * r)

    def on_sphere(noise: Tensor, gradient: Tensor) -> Tensor:
        downhill = -gradient / norm_per_sample(gradient)
        across = noise - per_sample(dot_per_sample(noise, downhill), noise) * downhill
        rest = (r**2 - step**2).clamp(min=0).sqrt()
        return posterior_mean + step * downhill + rest * across / norm_per_sample(across)

    x_s = where_guided(on_sphere, Posterior(posterior_mean, posterior_std), noise, gradient, region)
    return x_s, torch.where(usable(free(gradient, region)), (step / r).flatten(), 0)


@dataclass(frozen=True)
class Automatic:
    """The losses say how much of a step they need.

    Attributes:
        share: how much of that they get, in [0, 1], over the guided range of the run.
    """

    share: GuidanceRate = GuidanceRate(1.0)
    needs_noise = True
    only_as_needed = True

    def step(
        self, unguided: Posterior, noise: Tensor, proposal: Proposal, region: Tensor | None = None
    ) -> tuple[Tensor, float | None]:
        needed = self.share.at(proposal.progress) * proposal.excess / proposal.gradient_norm
        direction = -proposal.displacement
        x_s, shares = automatic_step(unguided.mean, unguided.std, noise, direction, needed, FURTHEST, region)
        return x_s, float(shares.mean())
