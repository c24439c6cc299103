"""Block-wise checkpointing (Chen et al. 2016, arXiv 1604.06174) of networks that were never written for it.

PyTorch's own expects of a block that it leaves its inputs as they are. Those of the host's networks do not: `img += …`
in Flux, and dictionaries of options that are rewritten between the blocks.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.graph import allow_mutation_on_saved_tensors
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

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
def checkpointing(network: nn.Module) -> Iterator[None]:
    """Within this span, a pass keeps its blocks' inputs alone, and computes the rest again as it goes backward."""
    before = [(block, vars(block).get("forward")) for block in blocks_of(network)]
    try:
        for block, _ in before:
            block.forward = functools.partial(checkpointed, block.forward)
        yield
    finally:
        for block, own in before:
            if own is None:
                vars(block).pop("forward", None)
            else:
                block.forward = own


def checkpointed(forward: Callable[..., Result], *args: object, **kwargs: object) -> Result:
    """`forward(*args, **kwargs)`, with a gradient to every tensor in them that wants one, however deep.

    The call gets copies of the tensors, and of the lists and dictionaries around them; what it does to them is lost.
    """
    leaves, form = tree_flatten((args, kwargs))
    wanting = [isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves]
    call = _Call(forward, [OPEN if wants else leaf for wants, leaf in zip(wanting, leaves)], form)
    return tree_unflatten(_Recomputed.apply(call, *compress(leaves, wanting)), call.output_form)


OPEN = object()  # stands for a tensor with a gradient, which is autograd's to keep


@dataclass
class _Call:
    """A call whose arguments are known but for the tensors with a gradient."""

    forward: Callable
    leaves: list
    form: TreeSpec
    output_form: TreeSpec = field(init=False)

    def __call__(self, tensors: Sequence[Tensor]) -> list:
        """The leaves of what it returns."""
        given = iter(tensors)
        leaves = [next(given) if leaf is OPEN else leaf for leaf in self.leaves]
        copies = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        args, kwargs = tree_unflatten(copies, self.form)
        outputs, self.output_form = tree_flatten(self.forward(*args, **kwargs))
        return outputs


class _Recomputed(torch.autograd.Function):
    """A call without a graph, and again with one when a gradient is wanted."""

    @staticmethod
    def forward(ctx, call: _Call, *tensors: Tensor):
        ctx.call = call
        ctx.save_for_backward(*tensors)
        return tuple(call(tensors))

    @staticmethod
    def backward(ctx, *gradients: Tensor):
        inputs = [saved.detach().requires_grad_() for saved in ctx.saved_tensors]
        with torch.enable_grad(), allow_mutation_on_saved_tensors():
            outputs = ctx.call(inputs)
            ends = [isinstance(output, Tensor) and output.requires_grad for output in outputs]
            return None, *torch.autograd.grad(
                list(compress(outputs, ends)), inputs, list(compress(gradients, ends)), allow_unused=True
            )
