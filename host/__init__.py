"""All that touches ComfyUI below the nodes. Nothing of the host is patched."""

from .conditioning import AppliedLoss, apply_loss
from .ksampler import sample_latent
from .networks import LoadedNetwork, clip_vision_network, load_network, loaded_network
from .sampler import GuidedSampler, sampler_function

__all__ = [
    "AppliedLoss",
    "GuidedSampler",
    "LoadedNetwork",
    "apply_loss",
    "clip_vision_network",
    "load_network",
    "loaded_network",
    "sample_latent",
    "sampler_function",
]
