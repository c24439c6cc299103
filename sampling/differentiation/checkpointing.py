"""Block-wise checkpointing (Chen et al. 2016, arXiv 1604.06174) of networks that were never written for it.

PyTorch's own expects of a block that it leaves its inputs as they are. Those of the host's networks do not: `img += …`
in Flux, and dictionaries of options that are rewritten between the blocks.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_unflatten

from .replay import Again, Remember, random_numbers
from .saved_tensors import overwriting_allowed, own_copies_saved

Result = TypeVar("Result")


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """What a network calls one after the other: the largest modules in its lists, sequences and mere groups."""

    def groups(module: nn.Module) -> bool:
        return isinstance(module, nn.Sequential) or type(module).forward is nn.Module.forward

    waiting = [child for child in network.children() if groups(child)]
    blocks: list[nn.Module] = []
    while waiting:
        for child in waiting.pop().children():
            (waiting if groups(child) else blocks).append(child)
    return list(dict.fromkeys(blocks))


@contextlib.contextmanager
def checkpointing(network: nn.Module, remember: Remember = random_numbers) -> Iterator[None]:
    """Within this span, a pass keeps its blocks' inputs alone, and computes the rest again as it goes backward.

    Args:
        remember: see `replay`; a block's second call sees what its first one saw.
    """

    def call(forward: Callable[..., Result], *args: object, **kwargs: object) -> Result:
        return _called_again(forward, args, kwargs, remember(), copies=True)

    with forwards_wrapped(blocks_of(network), call):
        yield


def nothing() -> Again:
    """What a layer needs that depends on its inputs and weights alone."""
    return contextlib.nullcontext


@contextlib.contextmanager
def calling_again(layers: Sequence[nn.Module], remember: Remember = nothing) -> Iterator[None]:
    """Within this span, these layers keep their inputs, and are called again as a pass goes backward.

    For layers whose weights are only there during the call, or may be others by the time that a gradient is wanted:
    what autograd saves of such a weight is worth nothing.
    """

    def call(forward: Callable[..., Result], *args: object, **kwargs: object) -> Result:
        if not (torch.is_grad_enabled() and any(map(_wants_gradient, tree_leaves((args, kwargs))))):
            return forward(*args, **kwargs)
        return _called_again(forward, args, kwargs, remember(), copies=False)

    with forwards_wrapped(layers, call):
        yield


@contextlib.contextmanager
def forwards_wrapped(modules: Sequence[nn.Module], wrapper: Callable[..., object]) -> Iterator[None]:
    """Within this span, calling a module calls `wrapper(its forward, ...)`."""
    before = [(module, vars(module).get("forward")) for module in modules]
    try:
        for module, _ in before:
            module.forward = functools.partial(wrapper, module.forward)
        yield
    finally:
        for module, own in before:
            if own is None:
                vars(module).pop("forward", None)
            else:
                module.forward = own


def checkpointed(forward: Callable[..., Result], *args: object, **kwargs: object) -> Result:
    """`forward(*args, **kwargs)`, with a gradient to every tensor in them that wants one, however deep.

    The call gets copies of the tensors, and of the lists and dictionaries around them; what it does to them is lost.
    """
    return _called_again(forward, args, kwargs, random_numbers(), copies=True)


def _called_again(forward: Callable[..., Result], args: tuple, kwargs: dict, again: Again, copies: bool) -> Result:
    leaves, form = tree_flatten((args, kwargs))
    wanting = list(map(_wants_gradient, leaves))
    open_leaves = [OPEN if wants else leaf for wants, leaf in zip(wanting, leaves)]
    call = _Call(forward, open_leaves, form, copies, again)
    outputs = list(_Recomputed.apply(call, *compress(leaves, wanting)))
    # Copies, because they may be changed in place, and what a function of autograd returns cannot be.
    copied = [output.clone() if isinstance(output, Tensor) else output for output in outputs]
    return tree_unflatten(copied, call.output_form)


def _wants_gradient(leaf: object) -> bool:
    return isinstance(leaf, Tensor) and leaf.requires_grad


OPEN = object()  # stands for a tensor with a gradient, which is autograd's to keep


@dataclass
class _Call:
    """A call whose arguments are known but for the tensors with a gradient."""

    forward: Callable
    leaves: list
    form: TreeSpec
    copies: bool  # whether it is called on copies of the tensors, which it may change
    again: Again
    output_form: TreeSpec = field(init=False)

    def __call__(self, tensors: Sequence[Tensor]) -> list:
        """The leaves of what it returns."""
        given = iter(tensors)
        leaves = [next(given) if leaf is OPEN else leaf for leaf in self.leaves]
        if self.copies:
            leaves = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        args, kwargs = tree_unflatten(leaves, self.form)
        outputs, self.output_form = tree_flatten(self.forward(*args, **kwargs))
        return outputs


class _Recomputed(torch.autograd.Function):
    """A call without a graph, and again with one when a gradient is wanted."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple:
        ctx.call = call
        ctx.save_for_backward(*tensors)
        return tuple(call(tensors))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple:
        inputs = [saved.detach().requires_grad_() for saved in ctx.saved_tensors]
        watch = overwriting_allowed() if ctx.call.copies else own_copies_saved()
        with torch.enable_grad(), watch, ctx.call.again():
            outputs = ctx.call(inputs)
            ends = [isinstance(output, Tensor) and output.requires_grad for output in outputs]
            return None, *torch.autograd.grad(
                list(compress(outputs, ends)), inputs, list(compress(gradients, ends)), allow_unused=True
            )
