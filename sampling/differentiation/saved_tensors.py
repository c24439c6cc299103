"""What autograd saves for a backward pass.

What a hook keeps of a tensor is detached from its graph. A graph that saves an operation's result would otherwise hold
itself, out of the garbage collector's sight, and stay for ever where no backward pass frees it: after an error, or an
interrupt. The values are the same memory, and autograd knows the place in the graph by itself.
"""

import contextlib
import functools
import math
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

OVERWRITTEN = "modified by an inplace operation"  # PyTorch's words


def _is_weight(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) or isinstance(tensor._base, nn.Parameter)


def _version(tensor: Tensor) -> int | None:
    """How often the tensor was changed in place."""
    return None if tensor.is_inference() else tensor._version


def is_overwritten(error: BaseException) -> bool:
    """Whether autograd refuses because a saved tensor was changed since."""
    return OVERWRITTEN in str(error)


class _Kept:
    """A saved tensor, or a copy of it as it was; what autograd holds in its place, for as long as the graph lives."""

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


@contextlib.contextmanager
def overwriting_allowed() -> Iterator[None]:
    """Tensors that are changed in place within this span are kept as they were for the backward pass, also within it.

    PyTorch's `allow_mutation_on_saved_tensors` does this by tensors' ids, and takes a new tensor in the place of a
    freed one for that one. Here a tensor is found by its memory, which is not freed for as long as it is kept.
    """
    kept: defaultdict[int, weakref.WeakSet[_Kept]] = defaultdict(weakref.WeakSet)

    def save(tensor: Tensor) -> _Kept:
        handle = _Kept(tensor.detach())
        kept[_memory(tensor)].add(handle)
        return handle

    def keep_as_it_is(tensor: Tensor) -> None:
        for handle in kept.pop(_memory(tensor), ()):
            handle.tensor = handle.tensor.clone()

    with torch.autograd.graph.saved_tensors_hooks(save, lambda handle: handle.tensor), _BeforeWrites(keep_as_it_is):
        yield


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class _BeforeWrites(TorchDispatchMode):
    """Within this span, a function sees each tensor before an operation writes to it."""

    def __init__(self, see: Callable[[Tensor], None]):
        super().__init__()
        self.see = see

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        for place, name in _written(func):
            for tensor in tree_leaves(kwargs.get(name) if place >= len(args) else args[place]):
                if isinstance(tensor, Tensor):
                    self.see(tensor)
        return func(*args, **kwargs)


@functools.cache
def _written(func: Any) -> list[tuple[int, str]]:
    """The arguments that an operation writes to: places and names."""
    arguments = enumerate(func._schema.arguments)
    return [(place, each.name) for place, each in arguments if each.alias_info is not None and each.alias_info.is_write]


def own_copies_saved() -> contextlib.AbstractContextManager:
    """Autograd keeps copies of what takes no gradient itself: of weights, whose memory may soon be others'."""
    return torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: tensor.detach() if tensor.requires_grad else tensor.clone(), lambda tensor: tensor
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
        handle = _Handle(tensor.detach())
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
