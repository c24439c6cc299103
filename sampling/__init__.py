"""Training-free guidance of a diffusion sampler: plain functions on tensors, no ComfyUI.

A denoiser is a callable `(x, sigma) → denoised`, with x of shape `[B, C, H, W]` (or more dimensions) and sigma `[B]`.
A noisy latent is `x = α·x_0 + σ·noise`, with α = 1 (variance exploding: eps, v and EDM models) or α = 1 − σ (flow
matching).
"""

from .automatic_rate import automatic_step
from .checkpointing import calling_again, checkpointing
from .gradient import loss_gradient
from .gradient_modes import GRADIENT_MODES
from .guidance import Guidance
from .jacobian import Denoiser, Denoisers
from .loop import sample
from .loss_term import LossTerm
from .memory import Memory, is_out_of_memory
from .methods import DPS, DSG, FREEDOM, LGD_MC, METHODS, MPGD, TFG, UGD, GuidanceMethod
from .noise import SeededNoise
from .posterior import posterior
from .progress import Progress
from .rate import CURVES, GuidanceRate
from .replay import Again, Remember, all_again, random_numbers
from .report import RunReport
from .spherical import spherical_step
from .tiling import TILE, decode_in_tiles
from .time_travel import travel_back

__all__ = [
    "CURVES",
    "DPS",
    "DSG",
    "FREEDOM",
    "GRADIENT_MODES",
    "LGD_MC",
    "METHODS",
    "MPGD",
    "TFG",
    "TILE",
    "UGD",
    "Again",
    "Denoiser",
    "Denoisers",
    "Guidance",
    "GuidanceMethod",
    "GuidanceRate",
    "LossTerm",
    "Memory",
    "Progress",
    "Remember",
    "RunReport",
    "SeededNoise",
    "all_again",
    "automatic_step",
    "calling_again",
    "checkpointing",
    "decode_in_tiles",
    "is_out_of_memory",
    "loss_gradient",
    "posterior",
    "random_numbers",
    "sample",
    "spherical_step",
    "travel_back",
]
