"""A loss of one's own, as a pack beside ComfyUI-DSG: the picture must have a given mean brightness.

Copy this folder into `custom_nodes/`. Nothing is imported from ComfyUI-DSG: a loss is any frozen dataclass with a name
and a `fit`, given to the node *Apply Loss* through a `DSG_LOSS` socket.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from comfy_api.latest import ComfyExtension, io
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True, eq=False)
class BrightnessLoss:
    """Distance to a mean brightness.

    Attributes:
        target: `[1]`, in [0, 1]. Tensors are fields of their own, so that the sampler can copy them.
        name: shown in the report.
    """

    target: Tensor
    name: str = "brightness"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Called once a run: the loss for pictures `[batch, 3, height, width]`, in about [0, 1], → `[batch]`."""
        target = self.target.to(device)
        weights = torch.tensor(LUMINANCE, device=device).view(3, 1, 1)
        return lambda images: ((images * weights).sum(1).mean((1, 2)) - target).abs()


class BrightnessLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Example_BrightnessLoss",
            display_name="Brightness Loss",
            category="DSG/losses",
            description="The picture must have this mean brightness. Connect it to Apply Loss.",
            inputs=[
                io.Float.Input("brightness", default=0.5, min=0.0, max=1.0, step=0.01, tooltip="0 black, 1 white.")
            ],
            outputs=[io.Custom("DSG_LOSS").Output("loss", display_name="loss")],
        )

    @classmethod
    def execute(cls, brightness: float) -> io.NodeOutput:
        return io.NodeOutput(BrightnessLoss(torch.tensor([brightness])))


class BrightnessExample(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [BrightnessLossNode]


async def comfy_entrypoint() -> BrightnessExample:
    return BrightnessExample()
