"""What autograd saves for a backward pass."""

import contextlib
import math
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.autograd.graph import allow_mutation_on_saved_tensors

OVERWRITTEN = "modified by an inplace operation"  # PyTorch's words


def _is_weight(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) or isinstance(tensor._base, nn.Parameter)


def _version(tensor: Tensor) -> int | None:
    """How often the tensor was changed in place."""
    return None if tensor.is_inference() else tensor._version


def is_overwritten(error: BaseException) -> bool:
    """Whether autograd refuses because a saved tensor was changed since."""
    return OVERWRITTEN in str(error)


class _Watch(threading.local):
    """Whether this thread is within `overwriting_allowed`."""

    on = False


_watch = _Watch()


@contextlib.contextmanager
def overwriting_allowed() -> Iterator[None]:
    """Tensors that are changed in place are kept as they were for the backward pass. PyTorch's own cannot be nested."""
    if _watch.on:
        yield
        return
    _watch.on = True
    try:
        with allow_mutation_on_saved_tensors():
            yield
    finally:
        _watch.on = False


def own_copies_saved() -> contextlib.AbstractContextManager:
    """Autograd keeps copies of what takes no gradient itself: of weights, whose memory may soon be others'."""
    return torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: tensor if tensor.requires_grad else tensor.clone(), lambda tensor: tensor
    )


class _Handle:
    """What autograd holds in a saved tensor's place, for as long as the graph lives."""

    def __init__(self, tensor: Tensor):
        self.tensor, self.version = tensor, _version(tensor)


@contextlib.contextmanager
def saved_tensors(most: float = math.inf) -> Iterator[Callable[[], int]]:
    """Count the bytes that autograd keeps in this span, weights aside. The function that it gives tells the most.

    PyTorch itself looks for changes of saved tensors only where nobody counts, so that is done here.

    Raises:
        torch.OutOfMemoryError: where more than `most` bytes are kept at a time.
        RuntimeError: in PyTorch's words, where a saved tensor was changed in place before the backward pass.
    """
    holders: Counter[int] = Counter()
    now = peak = 0

    def release(pointer: int, size: int) -> None:
        nonlocal now
        holders[pointer] -= 1
        now -= 0 if holders[pointer] else size

    def save(tensor: Tensor) -> _Handle:
        nonlocal now, peak
        handle = _Handle(tensor)
        if _is_weight(tensor):
            return handle
        storage = tensor.untyped_storage()
        pointer, size = storage.data_ptr(), storage.nbytes()
        now += 0 if holders[pointer] else size
        holders[pointer] += 1
        weakref.finalize(handle, release, pointer, size).atexit = False
        peak = max(peak, now)
        if now > most:
            raise torch.OutOfMemoryError(f"out of memory: a gradient needs more than the {most:.3g} bytes there are")
        return handle

    def load(handle: _Handle) -> Tensor:
        if _version(handle.tensor) != handle.version:
            raise RuntimeError(f"one of the variables needed for gradient computation has been {OVERWRITTEN}")
        return handle.tensor

    with torch.autograd.graph.saved_tensors_hooks(save, load):
        yield lambda: peak
