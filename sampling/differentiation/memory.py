"""The memory of the device that a run is on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Memory:
    """What the owner of the device can do about it.

    Attributes:
        free: how many bytes a gradient may take.
        make_room: give back what others keep there. Returns whether anything was given back.
    """

    free: Callable[[], float] = lambda: math.inf
    make_room: Callable[[], bool] = lambda: False


def is_out_of_memory(error: BaseException) -> bool:
    """On a GPU of any maker, and on a CPU that refuses an allocation."""
    words = ("out of memory", "allocate memory", "not enough memory")
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(word in str(error).lower() for word in words)
