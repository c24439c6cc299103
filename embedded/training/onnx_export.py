"""Networks as ONNX files."""

import onnx
import torch
from torch import Tensor, nn


def onnx_model(network: nn.Module, pictures: Tensor, name: str, any_number: bool = False) -> onnx.ModelProto:
    """What a network does with such pictures.

    Args:
        name: of the input.
        any_number: whether the file takes any number of pictures at once.
    """
    program = torch.onnx.export(
        network.eval(),
        (pictures,),
        input_names=[name],
        dynamic_shapes=({0: "N"},) if any_number else None,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # there is no program where a file is written at once
    model = program.model_proto
    graph = model.graph
    del graph.value_info[:]
    for part in [graph, *graph.node, *graph.input, *graph.output, *graph.initializer]:
        part.ClearField("metadata_props")  # where the code lay on this machine
    for node in graph.node:
        if node.op_type == "Reshape":
            # Readers of these files do not know the newer sense of a zero, of which there is none here.
            del node.attribute[:]
    return model
