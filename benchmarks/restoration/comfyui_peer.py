"""ComfyUI's own inpainting: a sampler of the host's, and in each step the known latents put back at its noise level."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .contender import Contender
from .network import FOLD, Network, decode
from .problem import SIDE, Problem


class Model:
    """What the host's samplers call."""

    def __init__(self, network: Network):
        self.network, self.inner_model = network, network.base

    def __call__(self, x: Tensor, sigma: Tensor, model_options: dict[str, Any], seed: int | None = None) -> Tensor:
        return self.network.latent(x, sigma)


@torch.no_grad()
def latent_inpainting(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
    """`euler_ancestral`; its η is the number. The mask is of the latent's elements, so of pixels here."""
    from comfy.k_diffusion.sampling import sample_euler_ancestral
    from comfy.samplers import KSamplerX0Inpaint

    assert problem.known is not None
    sigmas = network.sigmas(steps)
    generator = torch.Generator().manual_seed(problem.first)
    noise = torch.randn(len(problem.truth), 12, SIDE // FOLD, SIDE // FOLD, generator=generator)
    model = KSamplerX0Inpaint(Model(network), sigmas)
    model.noise, model.latent_image = noise, F.pixel_unshuffle(2 * problem.measured - 1, FOLD)
    hidden = F.pixel_unshuffle(1 - problem.known.expand_as(problem.measured), FOLD)
    x = network.base.model_sampling.noise_scaling(sigmas[0], noise, torch.zeros_like(noise), max_denoise=True)
    return decode(
        sample_euler_ancestral(
            model,
            x,
            sigmas,
            {"denoise_mask": hidden, "model_options": {}},
            disable=True,
            eta=strength,
            noise_sampler=lambda *_: torch.randn(x.shape, generator=generator),
        )
    )


CONTENDERS = [Contender("ComfyUI", "latent inpainting", latent_inpainting, (0.0, 0.5, 1.0), ("inpainting",))]
