"""Losses of other packs."""

from ..guidance_losses import InputError, Loss
from ..sampling.loss_error import own_error
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
    def make_loss(cls, loss: Loss) -> MadeLoss:
        return MadeLoss(loss, networks_of(loss), tried=True)


def networks_of(loss: Loss) -> list:
    """The host's handles on another pack's networks.

    Raises:
        InputError: in one sentence, if they are no such handles, or cannot be had.
    """
    try:
        patchers = list(getattr(loss, "patchers", ()))
    except Exception as error:  # another pack's
        raise InputError(str(own_error(loss.name, error))) from error
    if not all(hasattr(patcher, "load_device") for patcher in patchers):
        raise InputError(
            f"the loss '{loss.name}' has patchers that are none of the host's; its pack has to give ModelPatchers."
        )
    return patchers
