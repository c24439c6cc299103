"""What a loss costs."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn


class LossCost(NamedTuple):
    """seconds: for the value and its gradient; megabytes: what the loss keeps for its backward pass, weights aside."""

    seconds: float
    megabytes: float


def _is_weight(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) or isinstance(tensor._base, nn.Parameter)


@contextlib.contextmanager
def measured(device: torch.device) -> Iterator[Callable[[], LossCost]]:
    """Measure the block; the function that it gives tells the cost afterwards."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not _is_weight(tensor):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    began = time.perf_counter()
    spent = 0.0
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield lambda: LossCost(spent, sum(kept.values()) / 2**20)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    spent = time.perf_counter() - began
