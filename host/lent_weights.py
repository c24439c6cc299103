"""Weights that are only there while a layer computes, or are others by the time that a gradient is wanted.

The host lends them: with dynamic patchers (newer hosts, NVIDIA cards) and for layers that it has offloaded, each call
of a layer fetches its weights into memory that the next layers use again; and a LoRA that hangs on one conditioning
alone is written into the weights for the pass of that conditioning, behind autograd's back. What autograd has saved of
such a weight is then another layer's, or another LoRA's. Therefore these layers save none: they are called again on the
way back, and fetch their weights as they did the first time (`calling_again`). So the module that computes is
always the one that the host has loaded, and there is no second copy of its weights.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ..sampling.differentiation.replay import Again


def is_dynamic(patcher: Any) -> bool:
    """Whether the host moves this model's weights in and out during a pass (newer hosts)."""
    return getattr(patcher, "is_dynamic", lambda: False)()


def lent_layers(patcher: Any, device: torch.device) -> list[nn.Module]:
    """The layers of a loaded model that fetch their weights for each call."""
    if not isinstance(patcher.model, nn.Module):
        return []
    casting = [layer for layer in patcher.model.modules() if getattr(layer, "comfy_cast_weights", False)]
    if is_dynamic(patcher):
        return casting
    return [layer for layer in casting if any(weight.device != device for weight in layer.parameters(recurse=False))]


def fetch_anew(patcher: Any) -> None:
    """Mark what a dynamic patcher has fetched before as outdated: it may be inference tensors, which nothing saves."""
    if is_dynamic(patcher):
        for layer in patcher.model.modules():
            if hasattr(layer, "_v_signature"):
                layer._v_signature = None


def hooked_layers(patcher: Any, conds: dict[str, list[dict]]) -> list[nn.Module]:
    """The layers whose weights differ between the conditionings of a run."""
    if not any(options.get("hooks") for entries in conds.values() for options in entries):
        return []
    names = {key.rsplit(".", 1)[0] for patches in patcher.hook_patches.values() for key in patches}
    return [layer for name, layer in patcher.model.named_modules() if name in names]


def remember_hooks(patcher: Any) -> Again:
    """Remember which LoRAs are in the weights now; they stay in them after the context, until others are applied."""
    hooks = patcher.current_hooks

    @contextlib.contextmanager
    def again() -> Iterator[None]:
        if patcher.current_hooks != hooks:
            patcher.apply_hooks(hooks=hooks)
        yield

    return again
