"""What the patches of a model hold: networks, tensors, and what they remember of earlier passes.

A patch is any callable in a model's options, and its state lies where Python lets it lie: in attributes, closures,
lists and dictionaries. A second pass of a step must find that state as the first one did (see `replay`).
"""

import contextlib
import functools
import sys
import types
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..sampling.differentiation.replay import Again

# Defined in these modules: what a patch refers to and does not own.
FOREIGN = {*sys.stdlib_module_names, "torch", "numpy", "PIL", "aiohttp", "tqdm", "server", "execution", "nodes"}
HOSTS_OWN = {"comfy.model_patcher", "comfy.model_base", "comfy.sd", "comfy.clip_vision", "comfy.controlnet"}
MOST = 10_000  # things to look at
Holder = dict | list | types.CellType


def _owned(thing: object) -> bool:
    module = type(thing).__module__
    return hasattr(thing, "__dict__") and module not in HOSTS_OWN and module.split(".")[0] not in FOREIGN


def _parts(thing: object) -> list[object]:
    """What is to be looked at next, behind this thing."""
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing)
    if isinstance(thing, types.CellType):
        with contextlib.suppress(ValueError):  # a cell that is empty yet
            return [thing.cell_contents]
        return []
    if isinstance(thing, types.FunctionType):
        return list(thing.__closure__ or ())
    if isinstance(thing, types.MethodType):
        return [thing.__self__, thing.__func__]
    if isinstance(thing, functools.partial):
        return [thing.func, thing.args, thing.keywords]
    if isinstance(thing, Tensor | nn.Module | type | types.ModuleType) or not _owned(thing):
        return []
    return [vars(thing)]


class PatchState:
    """All that is reachable from a model's options."""

    def __init__(self, options: dict):
        self.holders: list[Holder] = []
        self.networks: list[nn.Module] = []
        waiting: list[Any] = [options]
        seen = {id(options)}
        while waiting and len(seen) < MOST:
            thing = waiting.pop()
            if isinstance(thing, dict | list | types.CellType):
                self.holders.append(thing)
            if isinstance(thing, nn.Module):
                self.networks.append(thing)
            for part in _parts(thing):
                if id(part) not in seen:
                    seen.add(id(part))
                    waiting.append(part)

    def tensors(self) -> Iterator[tuple[Holder, object, Tensor]]:
        """Each tensor, with its holder and its key there."""
        for holder in self.holders:
            for key, value in _items(holder):
                if isinstance(value, Tensor):
                    yield holder, key, value

    def make_ordinary(self) -> None:
        """Replace inference tensors by ordinary copies, which autograd can save."""
        for holder, key, value in self.tensors():
            if value.is_inference():
                _put(holder, key, value.clone())

    def forget_graphs(self) -> None:
        """A tensor that is kept from one pass to another keeps its value alone, and not the whole pass behind it."""
        for holder, key, value in self.tensors():
            if value.requires_grad and value.grad_fn is not None:
                _put(holder, key, value.detach())

    def contents(self) -> list[list]:
        return [list(_items(holder)) for holder in self.holders]

    def restore(self, contents: list[list]) -> None:
        for holder, items in zip(self.holders, contents):
            if isinstance(holder, dict):
                holder.clear()
                holder.update(items)
            elif isinstance(holder, list):
                holder[:] = [value for _, value in items]
            elif items:
                holder.cell_contents = items[0][1]


def _items(holder: Holder) -> list[tuple[object, object]]:
    if isinstance(holder, dict):
        return list(holder.items())
    if isinstance(holder, list):
        return list(enumerate(holder))
    return [(None, value) for value in _parts(holder)]


def _put(holder: Holder, key: object, value: object) -> None:
    if isinstance(holder, types.CellType):
        holder.cell_contents = value
    else:
        cast(Any, holder)[key] = value


def remember_patches(options: dict) -> Again:
    """Remember what the patches in these options know now; see `replay`."""
    state = PatchState(options)
    state.forget_graphs()
    then = state.contents()

    @contextlib.contextmanager
    def again() -> Iterator[None]:
        now = state.contents()
        state.restore(then)
        try:
            yield
        finally:
            state.restore(now)
            state.forget_graphs()

    return again


def ordinary_networks(options: dict) -> list[nn.Module]:
    """The networks that patches hold by themselves, after the tensors beside them have become ordinary."""
    state = PatchState(options)
    with torch.inference_mode(False):
        state.make_ordinary()
    return state.networks
