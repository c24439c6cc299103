"""What all loss nodes share: a conditioning in, the same with a loss on it out; weight, range and place of the loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import Loss
from ..host import AppliedLoss, apply_loss
from .checks import check_range, where_from_host
from .inputs import range_inputs, weight_input, where_input


@dataclass(frozen=True)
class LossSchema:
    """What is a loss node's own.

    Attributes:
        node_id, display_name, description: as in the host's schema.
        inputs: between the conditioning and the loss's weight.
        further_inputs: behind its weight and range.
        has_where: whether the user may paint where the loss may change the picture.
    """

    node_id: str
    display_name: str
    description: str
    inputs: Sequence[io.Input]
    further_inputs: Sequence[io.Input] = ()
    has_where: bool = True


class MadeLoss(NamedTuple):
    """loss: see `guidance_losses.Loss`; the others: see `AppliedLoss`."""

    loss: Loss
    patchers: Sequence[Any] = ()
    restore: Callable[[Tensor], Tensor] | None = None
    tried: bool = False
    no_still: str | None = None


class LossNode(io.ComfyNode):
    """A node that puts a loss on a conditioning. A subclass says what is its own, and makes the loss of it.

    Attributes:
        define_loss: a class method that gives the node's names and inputs.
        make_loss: a class method that makes the loss of the node's own inputs, by their names. It raises InputError, in
            one sentence, if there can be no such loss.
    """

    define_loss: Callable[[], LossSchema]
    make_loss: Callable[..., MadeLoss]

    @classmethod
    def define_schema(cls) -> io.Schema:
        own = cls.define_loss()
        return io.Schema(
            node_id=own.node_id,
            display_name=own.display_name,
            category="DSG/losses",
            description=own.description,
            inputs=[
                io.Conditioning.Input("conditioning", tooltip="The positive conditioning of the sampler."),
                *own.inputs,
                weight_input(),
                *range_inputs("this loss"),
                *own.further_inputs,
                *([where_input()] if own.has_where else []),
            ],
            outputs=[io.Conditioning.Output("guided", display_name="conditioning")],
        )

    @classmethod
    def execute(
        cls,
        conditioning: list,
        weight: float,
        start_percent: float,
        end_percent: float,
        where: Tensor | None = None,
        **inputs: Any,
    ) -> io.NodeOutput:
        made = cls.make_loss(**inputs)
        check_range(start_percent, end_percent)
        applied = AppliedLoss(
            made.loss,
            cls.define_loss().display_name,
            weight,
            start_percent,
            end_percent,
            made.restore,
            list(made.patchers),
            where_from_host(where),
            made.tried,
            no_still=made.no_still,
        )
        return io.NodeOutput(apply_loss(conditioning, applied))
