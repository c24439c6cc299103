"""What a loss costs."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from .saved_tensors import saved_tensors


class LossCost(NamedTuple):
    """seconds: for the value and its gradient; megabytes: what the loss keeps for its backward pass, weights aside."""

    seconds: float
    megabytes: float


@contextlib.contextmanager
def measured(device: torch.device) -> Iterator[Callable[[], LossCost]]:
    """Measure the block; the function that it gives tells the cost afterwards. Raises as `saved_tensors` does."""
    began = time.perf_counter()
    spent = 0.0
    with saved_tensors() as saved:
        yield lambda: LossCost(spent, saved() / 2**20)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    spent = time.perf_counter() - began
