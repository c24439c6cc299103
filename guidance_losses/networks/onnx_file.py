"""ONNX files, and networks of PyTorch made of them by onnx2torch, for their gradients. No file makes any code run."""

from pathlib import Path
from typing import Any

from torch import nn

from ..input_error import InputError
from ..packages import needed_packages
from .file_kind import file_kind

NEWEST_OPSET = 17  # of ONNX, of which onnx2torch knows the operators that networks of faces are made of


def check_packages() -> None:
    """Raises InputError, in one sentence, if a package is missing that ONNX files need."""
    with needed_packages():
        import onnx2torch  # noqa: F401  (and with it onnx)


def read_onnx(path: Path, wanted: str) -> Any:
    """The `onnx.ModelProto` of a file.

    Raises:
        InputError: if it is damaged or of another kind, or keeps tensors in other files; it says to take what is
            `wanted`.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
        tensors = [*model.graph.initializer, *(part.t for node in model.graph.node for part in node.attribute)]
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors):
            raise InputError("it keeps its weights in another file")
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise InputError(file_kind(path, wanted)) from error
    return model


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

    version = max(opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx"))
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
        except NotImplementedError:
            unknown.add(node.op_type)
    if unknown:
        raise InputError(f"onnx2torch cannot convert the operator {' or '.join(sorted(unknown))} of its opset")


def to_torch(model: Any) -> nn.Module:
    """A network that computes what the `onnx.ModelProto` does."""
    import onnx2torch

    for number, node in enumerate(model.graph.node):
        node.name = f"node_{number}"  # onnx2torch writes these names into the code that it generates
    return onnx2torch.convert(model)
