"""What the nodes share that load a network from one file or folder: its name in, the network out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ..host import loaded_network
from .model_files import FileNames, ModelFiles

CATEGORY = "DSG/loaders"
NO_FILE = "there is none yet"


@dataclass(frozen=True)
class LoaderSchema:
    """What is a loader's own.

    Attributes:
        node_id, display_name, description: as in the host's schema.
        files: where the networks are.
        tooltip: of the choice among them.
        load: reads one, an `nn.Module`, from its path.
        socket: of the network.
        output: its name.
        has_classes: whether the network has `labels`, which then are an output too.
    """

    node_id: str
    display_name: str
    description: str
    files: ModelFiles
    tooltip: str
    load: Callable[[Path], Any]
    socket: Any
    output: str = "model"
    has_classes: bool = False


class LoaderNode(io.ComfyNode):
    """A node that loads a network. A subclass says what is its own.

    Attributes:
        define_loader: a class method that does so.
    """

    define_loader: Callable[[], LoaderSchema]

    @classmethod
    def define_schema(cls) -> io.Schema:
        own = cls.define_loader()
        return io.Schema(
            node_id=own.node_id,
            display_name=own.display_name,
            category=CATEGORY,
            description=own.description,
            inputs=[io.Combo.Input("model_name", options=file_choices(own.files), tooltip=own.tooltip)],
            outputs=[
                own.socket.Output(own.output, display_name=own.output),
                *([classes_output()] if own.has_classes else []),
            ],
        )

    @classmethod
    def execute(cls, model_name: str) -> io.NodeOutput:
        own = cls.define_loader()
        network = own.load(own.files.path(model_name))
        return io.NodeOutput(loaded_network(network), *([", ".join(network.labels)] if own.has_classes else []))


def file_choices(files: ModelFiles) -> FileNames:
    """What a drop-down offers; the host refuses one that is empty."""
    return files.names() or FileNames([NO_FILE])


def classes_output() -> io.String.Output:
    """The names of what a network knows, with commas between."""
    return io.String.Output("classes", display_name="classes")
