"""ONNX files, and networks of PyTorch made of them by onnx2torch, for their gradients. No file makes any code run."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from ..input_error import InputError
from ..packages import needed_packages
from .file_kind import file_kind
from .model_file import quoted, real_file
from .size_limits import Bounded, no_larger_than

NEWEST_OPSET = 17  # of ONNX, of which onnx2torch knows the operators that networks of faces are made of
LARGEST_GRAPH = 4096  # operators, and weights
LARGEST_KERNEL = 64  # of a convolution or a pooling, in pixels along a side
# Of the first look, as in `Bounded`. insightface's R50 takes 1.6·10⁶, 40·10⁶ and 25·10⁹ of these for two faces.
LARGEST, ALL_TOGETHER, OPERATIONS = 2**25, 2**28, 4 * 10**11


def check_packages() -> None:
    """Raises InputError, in one sentence, if a package is missing that ONNX files need."""
    with needed_packages():
        import onnx2torch  # noqa: F401  (and with it onnx)


def read_onnx(path: Path, wanted: str) -> Any:
    """The `onnx.ModelProto` of a file: a plain list of operators, and all the weights that it names.

    Raises:
        InputError: if it is damaged or of another kind, keeps tensors in other files, has loops, branches or functions,
            or declares other weights than it holds; it says to take what is `wanted`.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_from_string(real_file(path).read_bytes())
        check_parts(model, wanted)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise InputError(file_kind(path, wanted)) from error
    return model


def check_parts(model: Any, wanted: str) -> None:
    """Raises InputError if there is more in the file than operators in a row and the weights that it holds."""
    from onnx import TensorProto

    graph = model.graph
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    del model.training_info[:]
    if any(attribute.HasField("g") or attribute.graphs for attribute in attributes) or model.functions:
        raise InputError(f"it holds loops, branches or functions, which no such network has; take {wanted}")
    if graph.sparse_initializer or any(part.HasField("sparse_tensor") or part.sparse_tensors for part in attributes):
        raise InputError(f"it keeps weights in a sparse form; take {wanted}")
    tensors = all_tensors(graph)
    if max(len(graph.node), len(tensors)) > LARGEST_GRAPH:
        raise InputError(f"it has more than {LARGEST_GRAPH} operators or weights; take {wanted}")
    if any(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data for tensor in tensors):
        raise InputError(f"it keeps its weights in another file; take {wanted}")
    for tensor in tensors:
        check_tensor(tensor, wanted)
    for attribute in attributes:
        if attribute.name == "kernel_shape" and max(attribute.ints, default=0) > LARGEST_KERNEL:
            raise InputError(f"it has a kernel of more than {LARGEST_KERNEL} pixels; take {wanted}")
    for named in (*model.opset_import, *graph.node):
        if named.domain == "ai.onnx":  # the standard set of operators has two names
            named.domain = ""


def all_tensors(graph: Any) -> list[Any]:
    """The initializers, and the constants among the operators."""
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    single = [attribute.t for attribute in attributes if attribute.HasField("t")]
    return [*graph.initializer, *single, *(tensor for attribute in attributes for tensor in attribute.tensors)]


def check_tensor(tensor: Any, wanted: str) -> None:
    """Raises InputError if a tensor declares other numbers than it holds, or none along a long side."""
    held = tensor.ByteSize()
    if any(not 0 <= length <= held for length in tensor.dims) or math.prod(tensor.dims) > held:
        raise InputError(
            f"it is damaged: its weight {quoted(tensor.name)} declares more numbers than the file holds; take {wanted}"
        )


def with_known_operators(model: Any) -> Any:
    """The model in no newer a version of ONNX than `NEWEST_OPSET`.

    Raises:
        InputError: if it cannot be said in that one, or onnx2torch cannot convert all its operators.
    """
    model = _with_known_opset(model)
    _check_operators(model)
    return model


def _with_known_opset(model: Any) -> Any:
    from onnx.version_converter import ConvertError, convert_version

    version = max((opset.version for opset in model.opset_import if opset.domain == ""), default=0)
    if version <= NEWEST_OPSET:
        return model
    try:
        return convert_version(model, NEWEST_OPSET)
    except (RuntimeError, ConvertError) as error:
        message = (
            f"it is of ONNX's opset {version}, which cannot be brought back to {NEWEST_OPSET}; export it with that"
        )
        raise InputError(message) from error


def _check_operators(model: Any) -> None:
    """Raises InputError that names the operators that onnx2torch cannot convert."""
    from onnx2torch.node_converters import get_converter

    versions = {opset.domain: opset.version for opset in model.opset_import}
    unknown = set()
    for node in model.graph.node:
        try:
            get_converter(node.op_type, versions[node.domain], node.domain)
        except (NotImplementedError, KeyError):  # an operator, or a whole set of them
            unknown.add(node.op_type)
    if unknown:
        names = quoted(" or ".join(sorted(unknown)))
        raise InputError(f"onnx2torch cannot convert the operator {names} of its opset")


def to_torch(model: Any) -> nn.Module:
    """A network that computes what the `onnx.ModelProto` does."""
    import onnx2torch

    for number, node in enumerate(model.graph.node):
        node.name = f"node_{number}"  # onnx2torch writes these names into the code that it generates
    tensors = all_tensors(model.graph)
    elements = sum(math.prod(tensor.dims) for tensor in tensors)
    with no_larger_than(elements, len(tensors) + len(model.graph.node)):
        return onnx2torch.convert(model)


def first_look(look: Callable[[], Any]) -> Any:
    """What a graph gives for a first picture, which costs no more than such networks do.

    Raises:
        InputError: if it would cost more, before it does.
    """
    with Bounded(LARGEST, ALL_TOGETHER, OPERATIONS):
        return look()
