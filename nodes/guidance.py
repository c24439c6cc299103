"""How the sampler is steered: the rate over the run, and the method."""

from dataclasses import replace

from comfy_api.latest import io

from ..guidance_losses import InputError
from ..sampling import (
    CURVES,
    GRADIENT_MODES,
    METHODS,
    Automatic,
    GuidanceRate,
    GuidedSteps,
    Spherical,
    Unconstrained,
)
from ..sampling.constraint import Constraint
from ..sampling.differentiation.differentiator import GradientMode
from .checks import check_range
from .inputs import range_inputs
from .sockets import GuidanceMethodSocket, GuidanceRateSocket, RateBlend


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
                io.Boolean.Input(
                    "reuse_gradient",
                    default=False,
                    optional=True,
                    tooltip="With an interval above 1: the steps in between go on with the losses' last gradient, "
                    "without decoding. Off: they are not guided.",
                ),
            ],
            outputs=[GuidanceRateSocket.Output("rate_blend", display_name="rate_blend")],
        )

    @classmethod
    def execute(
        cls,
        start_rate: float,
        end_rate: float,
        curve: str,
        interval: int,
        start_percent: float,
        end_percent: float,
        reuse_gradient: bool = False,
    ) -> io.NodeOutput:
        check_range(start_percent, end_percent)
        when = GuidedSteps(interval, start_percent, end_percent, reuse_gradient)
        return io.NodeOutput(RateBlend(Spherical(GuidanceRate(start_rate, end_rate, curve)), when))


class AutomaticGuidanceRate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_AutomaticGuidanceRate",
            display_name="Automatic Guidance Rate",
            category="DSG/guidance",
            description="Nothing to search: where all losses are measurements (mask, super-resolution, deblurring, "
            "colours), each step goes to the most likely picture; elsewhere the losses say how far it has to go.",
            inputs=[
                io.Float.Input(
                    "share",
                    default=1.0,
                    min=0.01,
                    max=1.0,
                    step=0.01,
                    tooltip="How much of the way that a loss asks for is gone in a step. Less leaves more variety. For "
                    "measurements it is the whole way.",
                ),
                *range_inputs("guidance"),
            ],
            outputs=[GuidanceRateSocket.Output("rate_blend", display_name="rate_blend")],
        )

    @classmethod
    def execute(cls, share: float, start_percent: float, end_percent: float) -> io.NodeOutput:
        check_range(start_percent, end_percent)
        when = GuidedSteps(start_percent=start_percent, end_percent=end_percent)
        return io.NodeOutput(RateBlend(Automatic(GuidanceRate(share)), when))


AS_THE_METHOD = "as the method has it"
CONSTRAINTS: dict[str, Constraint] = {"spherical": Spherical(), "none": Unconstrained()}


class GuidanceMethodNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_GuidanceMethod",
            display_name="Guidance Method",
            category="DSG/guidance",
            description="How the gradient of the losses becomes a step: DSG or another training-free method, with or "
            "without DSG's spherical constraint; and how the gradient is computed.",
            inputs=[
                io.Combo.Input(
                    "method",
                    options=list(METHODS),
                    default="DSG",
                    tooltip="DSG stays on the sphere of the step's noise. The others are as in their papers. "
                    "DPM-Solver++(2M) draws no noise: DPS on a deterministic step of second order.",
                ),
                io.Float.Input(
                    "step_size",
                    default=0.0,
                    min=0.0,
                    max=10000.0,
                    step=0.1,
                    tooltip="Strength without the constraint, for losses of pictures in [0, 1]: twice the number of "
                    "papers that use [−1, 1]. 0: the method's own, which is for many steps. DSG has no step size.",
                ),
                io.Combo.Input(
                    "constraint",
                    options=[AS_THE_METHOD, *CONSTRAINTS],
                    default=AS_THE_METHOD,
                    optional=True,
                    tooltip="spherical: the step on DSG's sphere, by the guidance rate. none: the step as it is.",
                ),
                io.Int.Input(
                    "recurrence",
                    default=0,
                    min=0,
                    max=100,
                    optional=True,
                    tooltip="How often a guided step is taken, with time travel back in between. 0: the method's own; "
                    "posterior mean takes each of few steps as often as fits into 24.",
                ),
                io.Combo.Input(
                    "gradient",
                    options=list(GRADIENT_MODES),
                    default="auto",
                    optional=True,
                    tooltip="auto: exact, or cheaper if the model or the memory does not allow it. low memory: slower. "
                    "finite difference: for any model. none: not through the model at all.",
                ),
            ],
            outputs=[GuidanceMethodSocket.Output("method_out", display_name="method")],
        )

    @classmethod
    def execute(
        cls,
        method: str,
        step_size: float,
        constraint: str = AS_THE_METHOD,
        recurrence: int = 0,
        gradient: GradientMode = "auto",
    ) -> io.NodeOutput:
        chosen = replace(METHODS[method], gradient_mode=gradient)
        if step_size > 0:
            chosen = chosen.with_strength(step_size)
        if constraint in CONSTRAINTS:
            try:
                chosen = replace(chosen, constraint=CONSTRAINTS[constraint])
            except ValueError as error:
                raise InputError(str(error)) from error
        if recurrence > 0:
            chosen = replace(chosen, recurrence=recurrence, passes=0)
        return io.NodeOutput(chosen)
