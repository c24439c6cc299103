"""How much of the machine a file may ask for: a network no larger than its weights, and passes of a bounded cost.

A configuration or a graph of a few bytes can describe a network of any size. So what it describes is first built
without memory, on PyTorch's meta device, and given up as soon as it outgrows the weights; and of each operation of a
first pass the cost is known before it runs.
"""

import contextlib
import math
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.flop_counter import flop_registry

from ..input_error import InputError

Network = TypeVar("Network", bound=nn.Module)

SPARE_ELEMENTS = 2**22  # beside the weights: masks and tables of positions, which files leave out
SPARE_PARTS = 2**12
LARGEST_SIDE = 2048  # pixels of a picture that a network may ask for
# Of a pass, as in `Bounded`. BEiT-L with UperNet, at 640 pixels, takes 0.1·10⁹, 7.5·10⁹ and 4.0·10¹² of these.
LARGEST, ALL_TOGETHER, OPERATIONS = 2**29, 2**34, 10**13
OUTGROWS = "it describes a larger network than its weights are of; take one whose files belong together"
TOO_COSTLY = "one look at a picture would take more memory or time than any such network does; take another one"
POOLING = ("max_pool", "avg_pool")


def build(
    make: Callable[[], Network], weights: Mapping[str, Tensor], look: Callable[[Network], object] = lambda _: None
) -> Network:
    """What `make` builds, unless its weights do not fill it, or a first pass through it takes too much.

    Args:
        make: called twice, the first time for a network without memory.
        look: passes a picture through it, and a text if it reads any; not needed where all but the weights is known.

    Raises:
        InputError: if it has more, or larger, parts than the weights; or of a pass, as `Bounded`.
    """
    with torch.device("meta"):
        with no_larger_than(sum(weight.numel() for weight in weights.values()), len(weights)):
            described = make().eval()
        with Bounded(LARGEST, ALL_TOGETHER, OPERATIONS):
            look(described)
    return make()


@contextlib.contextmanager
def no_larger_than(elements: int, weights: int) -> Iterator[None]:
    """What this thread builds inside raises InputError as soon as it outgrows so many weights of so many elements."""
    elements = 2 * elements + SPARE_ELEMENTS
    parts = 16 * weights + SPARE_PARTS
    thread = threading.get_ident()

    def count(_module: nn.Module, _name: str, part: Any) -> None:
        nonlocal elements, parts
        if threading.get_ident() != thread:
            return
        parts -= 1
        elements -= part.numel() if isinstance(part, Tensor) else 0
        if parts < 0 or elements < 0:
            raise InputError(OUTGROWS)

    with contextlib.ExitStack() as stack:
        for register in (
            hooks.register_module_parameter_registration_hook,
            hooks.register_module_buffer_registration_hook,
            hooks.register_module_module_registration_hook,
        ):
            stack.enter_context(_removing(register(count)))
        yield


@contextlib.contextmanager
def _removing(handle: Any) -> Iterator[None]:
    try:
        yield
    finally:
        handle.remove()


class Bounded(TorchDispatchMode):
    """Operations inside raise InputError before they take too much. They keep nothing for a gradient.

    Args:
        largest: elements of one result.
        all_together: elements of all results; with a gradient most of them are kept.
        operations: multiplications and additions, twice each, of all products, convolutions and poolings.
    """

    def __init__(self, largest: float, all_together: float, operations: float):
        super().__init__()
        self.largest, self.left, self.operations_left = largest, all_together, operations
        self.known: dict[Hashable, Cost] = {}
        self.modes = contextlib.ExitStack()

    def __enter__(self) -> "Bounded":
        # In the host's inference mode, products and convolutions would come here as parts of larger operations.
        self.modes.enter_context(torch.inference_mode(False))
        self.modes.enter_context(torch.no_grad())
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.modes.close()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: tuple = (), options: Any = None) -> Any:
        options = options or {}
        key = (function, *map(_described, tree_leaves((arguments, options))))
        if key not in self.known:
            self.known[key] = cost(function, arguments, options)
        asked = self.known[key]
        self.left -= asked.elements
        self.operations_left -= asked.operations
        if asked.elements > self.largest or self.left < 0 or self.operations_left < 0:
            raise InputError(TOO_COSTLY)
        return function(*arguments, **options)


class Cost(NamedTuple):
    """What an operation takes: the elements that it gives, and the multiplications and additions for them."""

    elements: int = 0
    operations: int = 0


def cost(function: Any, arguments: tuple, options: dict) -> Cost:
    """Of one of PyTorch's operations before it runs, by the shapes that the meta device gives for it."""
    if any(given.alias_info for given in function._schema.returns):  # a view, or in place
        return Cost()
    without_memory = {"device": torch.device("meta")} if "device" in options else {}
    try:
        given = function(*_on_meta(arguments), **_on_meta(options) | without_memory)
    except (NotImplementedError, RuntimeError):  # it depends on numbers, which are there already
        return Cost()
    elements = sum(result.numel() for result in tree_leaves(given) if isinstance(result, Tensor))
    if function.overloadpacket in flop_registry:
        return Cost(elements, flop_registry[function.overloadpacket](*arguments, **options, out_val=given))
    if any(name in function.__name__ for name in POOLING):
        return Cost(elements, elements * math.prod(arguments[1]))
    return Cost(elements)


def _on_meta(arguments: Any) -> Any:
    return tree_map(lambda value: value.to("meta") if isinstance(value, Tensor) else value, arguments)


def _described(value: Any) -> Hashable:
    return (value.shape, value.stride(), value.dtype) if isinstance(value, Tensor) else repr(value)
