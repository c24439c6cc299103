"""Losses of other packs."""

from dataclasses import is_dataclass

from comfy_api.latest import io

from ..host import AppliedLoss, apply_loss
from .checks import check_range, where_from_host
from .inputs import range_inputs, weight_input, where_input
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
                io.Conditioning.Input("conditioning", tooltip="The positive conditioning of the sampler."),
                LossSocket.Input("loss", tooltip="A loss from another pack's node."),
                weight_input(),
                *range_inputs("this loss"),
                where_input(),
            ],
            outputs=[io.Conditioning.Output("guided", display_name="conditioning")],
        )

    @classmethod
    def execute(cls, conditioning, loss, weight, start_percent, end_percent, where=None) -> io.NodeOutput:
        check_range(start_percent, end_percent, "Apply Loss")
        if not (is_dataclass(loss) and callable(getattr(loss, "fit", None)) and hasattr(loss, "name")):
            raise ValueError(
                f"Apply Loss: a {type(loss).__name__} is no loss, which is a dataclass with a name and a fit method; "
                "see example_pack in ComfyUI-DSG."
            )
        patchers = list(getattr(loss, "patchers", []))
        applied = AppliedLoss(
            loss, weight, start_percent, end_percent, patchers=patchers, where=where_from_host(where, "Apply Loss")
        )
        return io.NodeOutput(apply_loss(conditioning, applied))
