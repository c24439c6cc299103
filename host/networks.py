"""The networks that losses look at pictures with: the host loads, offloads and frees them with the model."""

import contextlib
import math
import textwrap
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import comfy.model_management
import comfy.model_patcher
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..guidance_losses import InputError
from ..sampling.differentiation.checkpointing import calling_again
from ..sampling.differentiation.memory import is_out_of_memory
from .inference_tensors import replace_inference_tensors
from .lent_weights import fetch_anew, lent_layers

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class LoadedNetwork(Generic[Network]):
    """A loss's network, and the host's handle on it: the host loads it with the model, and offloads and frees it."""

    module: Network
    patcher: Any


def loaded_network(module: Network) -> LoadedNetwork[Network]:
    """A network in the host's hands; it is loaded when it is needed."""
    devices = comfy.model_management.get_torch_device(), comfy.model_management.unet_offload_device()
    return LoadedNetwork(module, comfy.model_patcher.ModelPatcher(module, *devices))


def load_network(network: LoadedNetwork) -> torch.device:
    """Have the host load a network now, for a node that uses it by itself. Returns the device of its pictures."""
    return on_device([network.patcher])


def on_device(patchers: list) -> torch.device:
    """Have the host load the networks of these handles now. Returns the device of their pictures."""
    comfy.model_management.load_models_gpu(patchers)
    return patchers[0].load_device if patchers else torch.device("cpu")


class ClipVisionTokens(nn.Module):
    """The image tower of a CLIP_VISION, for the style loss (see `guidance_losses.style.TokenNetwork`).

    Of whatever kind: the longest list of modules in it is its blocks, and of the tokens that a block gives for a square
    picture, the largest square at the end is the picture's; class and register tokens come before.
    """

    def __init__(self, clip_vision: Any):
        super().__init__()
        self.network = clip_vision.model
        lists = [module for module in self.network.modules() if isinstance(module, nn.ModuleList)]
        self.blocks = max(lists, key=len, default=nn.ModuleList())
        self.layers = len(self.blocks)
        if not self.layers:
            raise ValueError("there are no transformer blocks in it")
        self.mean, self.std = clip_vision.image_mean, clip_vision.image_std
        self.size = clip_vision.image_size
        if self.size <= 0:  # it takes any number of patches up to one, as SigLIP2's NaFlex
            self.size = clip_vision.config["patch_size"] * math.isqrt(clip_vision.config["num_patches"])

    def image_tokens(self, images: Tensor, layers: tuple[int, ...]) -> list[Tensor]:
        mean, std = (images.new_tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        images = F.interpolate(images, (self.size, self.size), mode="bicubic", antialias=True)
        found: dict[int, Tensor] = {}

        def keep(number: int, _block: nn.Module, _inputs: tuple, tokens: Tensor) -> None:
            found[number] = tokens[:, -(math.isqrt(tokens.shape[1]) ** 2) :].clone()
            if number == max(layers):
                raise _EnoughBlocks

        with contextlib.ExitStack() as hooks, contextlib.suppress(_EnoughBlocks):
            for number, block in enumerate(self.blocks[: max(layers)], 1):
                hooks.enter_context(block.register_forward_hook(partial(keep, number)))
                for part in block.children():
                    hooks.enter_context(part.register_forward_pre_hook(_own_input))
            self.network((images - mean) / std)
        return [found[number] for number in layers]


class _EnoughBlocks(Exception):
    """Ends a pass through the tower: the blocks behind are not needed."""


def _own_input(_module: nn.Module, inputs: tuple) -> tuple:
    """A hook that gives a part of a block a copy of its input: the host's blocks overwrite what autograd has saved."""
    return (inputs[0].clone(), *inputs[1:])


def clip_vision_network(clip_vision: Any) -> LoadedNetwork[ClipVisionTokens]:
    """The network for the style loss, after a trial.

    Raises:
        InputError: in one sentence, if it gives no tokens, or no gradient.
    """
    try:
        network = LoadedNetwork(ClipVisionTokens(clip_vision), clip_vision.patcher)
        device = load_network(network)
        fetch_anew(network.patcher)
        lent = lent_layers(network.patcher, device)
        with torch.inference_mode(False), torch.enable_grad(), calling_again(lent):
            replace_inference_tensors(network.module, device)
            side = network.module.size
            picture = torch.full((1, 3, side, side), 0.5, device=device, requires_grad=True)
            (tokens,) = network.module.image_tokens(picture, (1,))
            torch.autograd.grad(tokens.square().mean(), picture)
    except Exception as error:  # a network of another kind fails in its own way
        if is_out_of_memory(error):
            raise
        raise InputError(
            "this CLIP_VISION gives no tokens with a gradient; load a vision transformer, as CLIP, SigLIP "
            f"and DINO have. (It says: {textwrap.shorten(str(error), 90)})"
        ) from error
    return network
