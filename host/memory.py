"""The memory that a run may take."""

import comfy.model_management
import torch

from ..sampling.differentiation.memory import Memory
from .lent_weights import is_dynamic

ALL_OF_IT = 1e30  # bytes, as the host itself writes it


def device_memory(patchers: list, device: torch.device) -> Memory:
    """The host's memory for a run of these models: it leaves the host its own reserve, and unloads all other models."""

    def free() -> float:
        lent = sum(patcher.loaded_size() for patcher in patchers if is_dynamic(patcher))  # goes where room is needed
        reserve = comfy.model_management.minimum_inference_memory()
        return comfy.model_management.get_free_memory(device) + lent - reserve

    def make_room() -> bool:
        own = {id(part.model) for patcher in patchers for part in (patcher, *patcher.model_patches_models())}
        keep = [
            loaded
            for loaded in comfy.model_management.current_loaded_models
            if loaded.model is None or id(loaded.model.model) in own
        ]
        return bool(comfy.model_management.free_memory(ALL_OF_IT, device, keep))

    return Memory(free, make_room)
