"""Losses of other packs."""

from dataclasses import is_dataclass

from comfy_api.latest import io

from .inputs import range_inputs, weight_input, where_input
from .loss_node import conditioning_input, conditioning_output, guided_by
from .sockets import LossSocket


class ApplyLoss(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_ApplyLoss",
            display_name="Apply Loss",
            category="DSG/losses",
            description="Applies a loss that another pack made to a conditioning.",
            inputs=[
                conditioning_input(),
                LossSocket.Input("loss", tooltip="A loss from another pack's node."),
                weight_input(),
                *range_inputs("this loss"),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(cls, conditioning, loss, weight, start_percent, end_percent, where=None) -> io.NodeOutput:
        if not (is_dataclass(loss) and callable(getattr(loss, "fit", None)) and hasattr(loss, "name")):
            raise ValueError(
                f"Apply Loss: a {type(loss).__name__} is no loss, which is a dataclass with a name and a fit method; "
                "see example_pack in ComfyUI-DSG."
            )
        patchers = getattr(loss, "patchers", ())
        return guided_by(loss, "Apply Loss", conditioning, weight, start_percent, end_percent, where, patchers)
