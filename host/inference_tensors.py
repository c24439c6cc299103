"""The executor runs nodes under `torch.inference_mode()`, so the weights and conditionings that reach a sampler are
inference tensors, which autograd refuses to save. They are replaced by ordinary copies, one at a time."""

from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..guidance_losses import Loss


def _ordinary(tensor: Tensor, device: torch.device) -> bool:
    """Whether autograd can save the tensor, or never meets it: weights elsewhere are copied here for each use."""
    return not tensor.is_inference() or tensor.device != device


def replace_inference_tensors(root: nn.Module, device: torch.device) -> None:
    """Replace each inference tensor of a module on its device by an ordinary copy, one at a time, shared ones once."""
    copies: dict[int, nn.Parameter] = {}
    for module in root.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and not _ordinary(parameter, device):
                if id(parameter) not in copies:
                    copies[id(parameter)] = nn.Parameter(parameter.clone(), parameter.requires_grad)
                module._parameters[name] = copies[id(parameter)]
        for name, buffer in module._buffers.items():
            if buffer is not None and not _ordinary(buffer, device):
                module._buffers[name] = buffer.clone()
        replace_inference_attributes(module)


def replace_inference_attributes(thing: object) -> None:
    for name, value in vars(thing).items():
        if isinstance(value, Tensor) and value.is_inference():
            setattr(thing, name, value.clone())


def replace_inference_conds(conds: dict[str, list[dict]]) -> None:
    """The same for the processed conditionings of one run, which belong to the run alone."""
    for entries in conds.values():
        for options in entries:
            for name, value in options.items():
                if isinstance(value, Tensor):
                    options[name] = value.clone()
            for cond in options.get("model_conds", {}).values():
                value = getattr(cond, "cond", None)
                if isinstance(value, Tensor):
                    cond.cond = value.clone()
                elif isinstance(value, list):
                    cond.cond = [item.clone() if isinstance(item, Tensor) else item for item in value]


def with_ordinary_tensors(loss: Loss) -> Loss:
    """A copy of a loss whose references autograd can save."""
    frozen: Any = loss  # a dataclass, which a protocol cannot say
    values = {entry.name: getattr(loss, entry.name) for entry in fields(frozen)}
    return replace(frozen, **{name: value.clone() for name, value in values.items() if isinstance(value, Tensor)})
