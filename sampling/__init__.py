"""Training-free guidance of a diffusion sampler: plain functions on tensors, no ComfyUI.

A denoiser is a callable `(x, sigma) → denoised`, with x of shape `[B, C, H, W]` (or more dimensions) and sigma `[B]`.
A noisy latent is `x = α·x_0 + σ·noise`, with α = 1 (variance exploding: eps, v and EDM models) or α = 1 − σ (flow
matching). `docs/library.md` shows a run in fifteen lines.
"""

from .automatic_rate import Automatic
from .constraint import Unconstrained
from .differentiation.differentiator import GRADIENT_MODES
from .differentiation.networks import Decoders, Denoisers
from .guidance import Guidance
from .loop import sample
from .loss_gradient import loss_gradient
from .loss_term import LossTerm
from .methods.method import GuidanceMethod
from .methods.presets import (
    DIFFPIR,
    DPMPP_2M,
    DPS,
    DSG,
    FREEDOM,
    LGD_MC,
    METHODS,
    MMPS,
    MPGD,
    POSTERIOR_MEAN,
    TFG,
    UGD,
    automatic,
)
from .noise import SeededNoise
from .progress import Progress
from .rate import CURVES, GuidanceRate, GuidedSteps
from .report import RunReport
from .spherical import Spherical, spherical_step

__all__ = [
    "CURVES",
    "DIFFPIR",
    "DPMPP_2M",
    "DPS",
    "DSG",
    "FREEDOM",
    "GRADIENT_MODES",
    "LGD_MC",
    "METHODS",
    "MMPS",
    "MPGD",
    "POSTERIOR_MEAN",
    "TFG",
    "UGD",
    "Automatic",
    "Decoders",
    "Denoisers",
    "Guidance",
    "GuidanceMethod",
    "GuidanceRate",
    "GuidedSteps",
    "LossTerm",
    "Progress",
    "RunReport",
    "SeededNoise",
    "Spherical",
    "Unconstrained",
    "automatic",
    "loss_gradient",
    "sample",
    "spherical_step",
]
