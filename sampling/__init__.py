"""Training-free guidance of a diffusion sampler: plain functions on tensors, no ComfyUI.

A denoiser is a callable `(x, sigma) → denoised`, with x of shape `[B, C, H, W]` (or more dimensions) and sigma `[B]`.
A noisy latent is `x = α·x_0 + σ·noise`, with α = 1 (variance exploding: eps, v and EDM models) or α = 1 − σ (flow
matching).
"""

from .gradient import exact_gradient
from .loop import Denoiser, Guidance, sample
from .loss_term import LossTerm
from .methods import DPS, DSG, METHODS, GuidanceMethod
from .noise import SeededNoise
from .posterior import posterior
from .rate import CURVES, GuidanceRate
from .report import RunReport
from .spherical import spherical_step

__all__ = [
    "CURVES",
    "DPS",
    "DSG",
    "METHODS",
    "Denoiser",
    "Guidance",
    "GuidanceMethod",
    "GuidanceRate",
    "LossTerm",
    "RunReport",
    "SeededNoise",
    "exact_gradient",
    "posterior",
    "sample",
    "spherical_step",
]
