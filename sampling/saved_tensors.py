"""What autograd saves for a backward pass."""

import contextlib
import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

OVERWRITTEN = "modified by an inplace operation"  # PyTorch's words


def _is_weight(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) or isinstance(tensor._base, nn.Parameter)


def _version(tensor: Tensor) -> int | None:
    """How often the tensor was changed in place."""
    return None if tensor.is_inference() else tensor._version


def is_overwritten(error: BaseException) -> bool:
    """Whether autograd refuses because a saved tensor was changed since."""
    return OVERWRITTEN in str(error)


@contextlib.contextmanager
def saved_tensors(most: float = math.inf) -> Iterator[Callable[[], int]]:
    """Count the bytes that autograd saves in this span, weights aside. The function that it gives tells them.

    PyTorch itself looks for changes of saved tensors only where nobody counts, so that is done here.

    Raises:
        torch.OutOfMemoryError: above `most` bytes.
        RuntimeError: in PyTorch's words, where a saved tensor was changed in place before the backward pass.
    """
    total, counted = 0, set()

    def save(tensor: Tensor) -> tuple[Tensor, int | None]:
        nonlocal total
        storage = tensor.untyped_storage()
        if not _is_weight(tensor) and storage.data_ptr() not in counted:
            counted.add(storage.data_ptr())
            total += storage.nbytes()
            if total > most:
                raise torch.OutOfMemoryError(
                    f"out of memory: a gradient needs more than the {most:.3g} bytes there are"
                )
        return tensor, _version(tensor)

    def load(saved: tuple[Tensor, int | None]) -> Tensor:
        tensor, version = saved
        if _version(tensor) != version:
            raise RuntimeError(f"one of the variables needed for gradient computation has been {OVERWRITTEN}")
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, load):
        yield lambda: total
