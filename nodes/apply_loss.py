"""Losses of other packs."""

from dataclasses import is_dataclass
from typing import Any, cast

from ..guidance_losses import InputError, Loss
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import LossSocket


class ApplyLoss(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_ApplyLoss",
            display_name="Apply Loss",
            description="Applies a loss that another pack made to a conditioning.",
            inputs=[
                LossSocket.Input("loss", tooltip="A loss from another pack's node."),
            ],
        )

    @classmethod
    def make_loss(cls, loss: Any) -> MadeLoss:
        if not (is_dataclass(loss) and callable(getattr(loss, "fit", None)) and hasattr(loss, "name")):
            raise InputError(
                f"a {type(loss).__name__} is no loss, which is a dataclass with a name and a fit method; see "
                "example_pack in ComfyUI-DSG."
            )
        return MadeLoss(cast(Loss, loss), getattr(loss, "patchers", ()))
