"""Face recognition networks that users have: insightface's ONNX files, and weights of ArcFace's IR and IR-SE networks.

ArcFace: Deng et al. 2019, arXiv 1801.07698. ONNX graphs are converted to torch by onnx2torch, so that gradients flow.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from .file_kind import file_kind, network_kind
from .irse import IRSE

SUFFIXES = (".onnx", ".safetensors", ".pth")
WANTED = "w600k_r50.onnx of insightface, or an IR-SE50 in safetensors"
NEWEST_OPSET = 17  # of ONNX, of which onnx2torch knows the operators that face networks are made of


class FaceNetwork(nn.Module):
    """Faces `[B, 3, H, W]`, RGB in [0, 1], of any size → embeddings `[B, D]` of length 1. Its weights take no gradient.

    Arguments:
        network: `[B, 3, input_size, input_size]` in [−1, 1] → `[B, D]`.

    Attributes:
        input_size: the width and height at which the network looks at a face, in pixels.
    """

    def __init__(self, network: nn.Module, input_size: int):
        super().__init__()
        self.network = network
        self.input_size = input_size
        self.eval().requires_grad_(False)

    def forward(self, faces: Tensor) -> Tensor:
        side = (self.input_size, self.input_size)
        if faces.shape[-2:] != side:
            faces = F.interpolate(faces, side, mode="bilinear", antialias=True)
        return F.normalize(self.network(2 * faces - 1))


def load_face_network(path: Path) -> FaceNetwork:
    """Read a face network from a file, by its ending: one of `SUFFIXES`.

    No file makes any code run: ONNX is read without the files that it may point to, weights as tensors only.

    Raises:
        InputError: in one sentence, if the file is damaged or of another kind.
        ModuleNotFoundError: in one sentence, if a package that ONNX needs is missing.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path.name} is not a face network's file; these end in {', '.join(SUFFIXES)}.")
    if path.suffix == ".onnx":
        return load_onnx(path)
    try:
        weights = read_weights(path, WANTED)
    except ValueError as error:
        raise InputError(f"{path.name} cannot be used as a face network: {error}.") from error
    try:
        network = IRSE.from_weights(weights)
    except ValueError as error:
        raise InputError(
            f"{path.name} cannot be used as a face network: {error}, but of {network_kind(weights)}; take {WANTED}."
        ) from error
    return FaceNetwork(network, network.input_size)


def read_weights(path: Path, wanted: str) -> dict[str, Tensor]:
    """The state dict of a `.safetensors` or `.pth` file.

    Raises:
        InputError: if there is none in it; it says what the file is, and to take what is `wanted`.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # the readers have their own kinds of errors for each kind of damage
        raise InputError(file_kind(path, wanted)) from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise InputError(f"it holds no network's weights by their names; take {wanted}")
    return weights


def load_onnx(path: Path) -> FaceNetwork:
    """As `load_face_network`, for insightface's ONNX files: recognition networks that look at squares in [−1, 1]."""
    try:
        import onnx2torch  # and with it onnx
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Face networks in ONNX files need the package {error.name}; install it with `pip install {error.name}`.",
            name=error.name,
        ) from error
    try:
        model = read_onnx(path, WANTED)
        input_size = picture_size(model.graph)
        model = with_known_opset(model)
        check_operators(model)
        free_batch(model.graph)
        for number, node in enumerate(model.graph.node):
            node.name = f"node_{number}"  # onnx2torch writes these names into the code that it generates
        network = FaceNetwork(onnx2torch.convert(model), input_size)
        check_embeddings(network)
        return network
    except (ValueError, NotImplementedError) as error:
        raise InputError(f"{path.name} cannot be used as a face network: {error}.") from error


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


def picture_size(graph: Any) -> int:
    """The side of the square pictures that the graph looks at.

    Raises:
        InputError: if it is no recognition network. insightface's detectors, landmark and attribute networks lie in
            the same folder; they have several outputs, or normalise bytes by themselves before the first convolution.
    """
    weights = {tensor.name for tensor in graph.initializer}
    pictures = [value for value in graph.input if value.name not in weights]
    shape = [axis.dim_value for axis in pictures[0].type.tensor_type.shape.dim] if len(pictures) == 1 else []
    readers = {node.op_type for node in graph.node if pictures and pictures[0].name in node.input}
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3] or not shape[2]:
        raise InputError("its input is not one square RGB picture of a fixed size, [N, 3, S, S]")
    if len(graph.output) != 1 or len(graph.output[0].type.tensor_type.shape.dim) != 2 or readers != {"Conv"}:
        raise InputError("it is no recognition network, which begins with a convolution and gives one embedding")
    return shape[2]


def with_known_opset(model: Any) -> Any:
    """The model in no newer a version of ONNX than `NEWEST_OPSET`.

    Raises:
        InputError: if it cannot be said in that one.
    """
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


def check_operators(model: Any) -> None:
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


def check_embeddings(network: FaceNetwork) -> None:
    """Raises InputError if two faces do not give two embeddings."""
    try:
        with torch.no_grad():
            shape = network(torch.zeros(2, 3, network.input_size, network.input_size)).shape
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        raise InputError("it was made in a way that does not run on two faces at once") from error
    if len(shape) != 2 or shape[0] != 2:
        raise InputError(f"for two faces it gives {[*shape]} numbers, not two embeddings")


def free_batch(graph: Any) -> None:
    """Let a graph that was traced with one picture take any number: in shapes to reshape to, 1 becomes 'as before'."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {
        node.output[0]: part.t
        for node in graph.node
        if node.op_type == "Constant"
        for part in node.attribute
        if part.name == "value"
    }
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    del graph.value_info[:]  # the shapes in between, of one picture
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[0] not in constants and node.input[1] in constants:
            shape = numpy_helper.to_array(constants[node.input[1]]).copy()
            shape[0] = 0 if shape[0] == 1 else shape[0]
            node.input[1] = f"shape of {node.output[0]}"
            graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
            del node.attribute[:]  # 'allowzero', which would make an empty batch of the 0
