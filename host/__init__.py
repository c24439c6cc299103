"""All that touches ComfyUI below the nodes. Nothing of the host is patched."""

from .best_noise import best_noise
from .conditioning import AppliedLoss, apply_loss, choose_frames, losses_on
from .fitted_loss import named
from .ksampler import sample_latent
from .live_chart import serve_live_chart
from .loss_decoder import LOSS_DECODERS, VAE
from .networks import LoadedNetwork, clip_vision_network, load_network, loaded_network, on_device
from .ring import decode_ring
from .sampler import GuidedSampler, sampler_function
from .video import frames_seen

__all__ = [
    "LOSS_DECODERS",
    "VAE",
    "AppliedLoss",
    "GuidedSampler",
    "LoadedNetwork",
    "apply_loss",
    "best_noise",
    "choose_frames",
    "clip_vision_network",
    "decode_ring",
    "frames_seen",
    "load_network",
    "loaded_network",
    "losses_on",
    "named",
    "on_device",
    "sample_latent",
    "sampler_function",
    "serve_live_chart",
]
