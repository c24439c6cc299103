"""How the sampler is steered: the rate over the run, and the method."""

from dataclasses import replace

from comfy_api.latest import io

from ..sampling import CURVES, METHODS, GuidanceRate
from .checks import check_range
from .inputs import range_inputs
from .sockets import GuidanceMethodSocket, GuidanceRateSocket


class GuidanceRateBlend(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_GuidanceRateBlend",
            display_name="Guidance Rate Blend",
            category="DSG/guidance",
            description="Moves the guidance rate from one value to another over the run.",
            inputs=[
                io.Float.Input(
                    "start_rate",
                    default=0.2,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Rate where the guided range begins: 0 keeps the model's direction, 1 is steepest descent.",
                ),
                io.Float.Input(
                    "end_rate",
                    default=0.2,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Rate where the guided range ends.",
                ),
                io.Combo.Input(
                    "curve", options=list(CURVES), default="linear", tooltip="How the rate moves between the two."
                ),
                io.Int.Input(
                    "interval",
                    default=1,
                    min=1,
                    max=1000,
                    tooltip="Guide every k-th step only, counted from the first step of the run. 1 guides all.",
                ),
                *range_inputs("guidance"),
            ],
            outputs=[GuidanceRateSocket.Output("rate_blend", display_name="rate_blend")],
        )

    @classmethod
    def execute(cls, start_rate, end_rate, curve, interval, start_percent, end_percent) -> io.NodeOutput:
        check_range(start_percent, end_percent, "Guidance Rate Blend")
        return io.NodeOutput(GuidanceRate(start_rate, end_rate, curve, interval, start_percent, end_percent))


class GuidanceMethodNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_GuidanceMethod",
            display_name="Guidance Method",
            category="DSG/guidance",
            description="DSG's step on the sphere, or the plain gradient step of DPS to compare with.",
            inputs=[
                io.Combo.Input(
                    "method",
                    options=list(METHODS),
                    default="DSG",
                    tooltip="DSG: spherical Gaussian constraint (ICML 2024). DPS: plain gradient step (ICLR 2023).",
                ),
                io.Float.Input(
                    "step_size",
                    default=10.0,
                    min=0.0,
                    max=10000.0,
                    step=0.1,
                    tooltip="ζ of DPS, for losses of pictures in [0, 1]: twice the number of papers that use [−1, 1]. "
                    "DSG has no step size.",
                ),
            ],
            outputs=[GuidanceMethodSocket.Output("method_out", display_name="method")],
        )

    @classmethod
    def execute(cls, method, step_size) -> io.NodeOutput:
        return io.NodeOutput(replace(METHODS[method], step_size=step_size))
