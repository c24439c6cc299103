"""The embedded diffusion model as every contender is given it, without the host's executor."""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tools.comfyui import import_host

FOLD = 2


class Network:
    """The denoiser of pictures, with counts of its passes.

    Attributes:
        flow: whether noisy pictures are (1 − σ)·x_0 + σ·noise rather than x_0 + σ·noise.
        passes, gradients: how often a batch went forward, and how often one came back.
    """

    def __init__(self, name: str):
        import_host()
        from embedded.loader import load_embedded_model

        self.base: Any = load_embedded_model(name).model.model
        self.base.requires_grad_(False).eval()
        self.flow = "flow" in name
        self.passes = self.gradients = 0

    def sigmas(self, steps: int) -> Tensor:
        """The host's noise levels of the scheduler `normal`, `[steps + 1]`, down to 0."""
        import comfy.samplers

        return comfy.samplers.calculate_sigmas(self.base.model_sampling, "normal", steps)

    def latent(self, x: Tensor, sigma: Tensor) -> Tensor:
        """x̂_0 of latents `[B, 12, 32, 32]` at levels `[B]`."""
        self.passes += 1
        if torch.is_grad_enabled() and x.requires_grad:
            x.register_hook(self._count)
        return self.base.apply_model(x, sigma, c_crossattn=torch.zeros(len(x), 1, 4), transformer_options={})

    def picture(self, x: Tensor, sigma: float) -> Tensor:
        """x̂_0 of noisy pictures x_0 + σ·noise, `[B, 3, 64, 64]` about [−1, 1], whatever the family."""
        level, scale = (sigma / (1 + sigma), 1 / (1 + sigma)) if self.flow else (sigma, 1.0)
        least = float(self.base.model_sampling.sigma_min)
        levels = torch.full([len(x)], max(level, least))
        return F.pixel_shuffle(self.latent(F.pixel_unshuffle(x.float() * scale, FOLD), levels), FOLD)

    def _count(self, gradient: Tensor) -> None:
        self.gradients += 1


@cache
def network(name: str) -> Network:
    return Network(name)


def decode(latent: Tensor) -> Tensor:
    """Latents → pictures in [0, 1]."""
    return (F.pixel_shuffle(latent, FOLD) + 1) / 2
