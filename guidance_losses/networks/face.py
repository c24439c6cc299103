"""Face recognition networks that users have: insightface's ONNX files, and weights of ArcFace's IR and IR-SE networks.

ArcFace: Deng et al. 2019, arXiv 1801.07698. ONNX graphs are converted to torch by onnx2torch, so that gradients flow.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from .file_kind import network_kind
from .irse import IRSE
from .model_file import loader
from .onnx_file import check_packages, first_look, read_onnx, to_torch, with_known_operators
from .size_limits import LARGEST_SIDE
from .weights_file import read_weights

SUFFIXES = (".onnx", ".safetensors", ".pth")
WANTED = "w600k_r50.onnx of insightface, or an IR-SE50 in safetensors"


class FaceNetwork(nn.Module):
    """Faces `[B, 3, H, W]`, RGB in [0, 1], of any size → embeddings `[B, D]` of length 1. Its weights take no gradient.

    Args:
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


@loader("a face network")
def load_face_network(path: Path) -> FaceNetwork:
    """Read a face network from a file, by its ending: one of `SUFFIXES`.

    No file makes any code run: ONNX is read without the files that it may point to, weights as tensors only.

    Raises:
        InputError: in one sentence, if the file is damaged or of another kind.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"it is not a face network's file; these end in {', '.join(SUFFIXES)}")
    if path.suffix == ".onnx":
        return _load_onnx(path)
    weights = read_weights(path, WANTED)
    try:
        network = IRSE.from_weights(weights)
    except InputError as error:
        raise InputError(f"{error}, but of {network_kind(weights)}; take {WANTED}") from error
    return FaceNetwork(network, network.input_size)


def _load_onnx(path: Path) -> FaceNetwork:
    """As `load_face_network`, for insightface's ONNX files: recognition networks that look at squares in [−1, 1]."""
    check_packages()
    model = read_onnx(path, WANTED)
    input_size = picture_size(model.graph)
    model = with_known_operators(model)
    free_batch(model.graph)
    network = FaceNetwork(to_torch(model), input_size)
    check_embeddings(network)
    return network


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
    if shape[2] > LARGEST_SIDE:
        raise InputError(f"it looks at pictures of {shape[2]} pixels, and {LARGEST_SIDE} are the most; take {WANTED}")
    return shape[2]


def check_embeddings(network: FaceNetwork) -> None:
    """Raises InputError if two faces do not give two embeddings."""
    try:
        faces = torch.zeros(2, 3, network.input_size, network.input_size)
        shape = first_look(lambda: network(faces)).shape
    except InputError:
        raise
    except Exception as error:  # each operator has its own
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
            if shape.ndim != 1 or not len(shape):
                raise InputError(f"it is damaged: it reshapes to what is no shape; take {WANTED}")
            shape[0] = 0 if shape[0] == 1 else shape[0]
            node.input[1] = f"shape of {node.output[0]}"
            graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
            del node.attribute[:]  # 'allowzero', which would make an empty batch of the 0
