"""What all loss nodes begin and end with: a conditioning in, the same with a loss on it out."""

from comfy_api.latest import io

from ..guidance_losses import Loss
from ..host import AppliedLoss, apply_loss
from .checks import check_range, where_from_host


def conditioning_input() -> io.Input:
    return io.Conditioning.Input("conditioning", tooltip="The positive conditioning of the sampler.")


def conditioning_output() -> io.Output:
    return io.Conditioning.Output("guided", display_name="conditioning")


def guided_by(
    loss: Loss,
    node: str,
    conditioning: list,
    weight: float,
    start_percent: float,
    end_percent: float,
    where=None,
    patchers=(),
    restore=None,
) -> io.NodeOutput:
    """The conditioning with the loss on it.

    Args:
        node: its name, for messages.
        where: MASK or None.
        patchers: the host's handles on the loss's networks.
        restore: see `AppliedLoss`.

    Raises:
        ValueError: in one sentence, if the range ends before it begins or the mask allows nothing.
    """
    check_range(start_percent, end_percent, node)
    where = where_from_host(where, node)
    applied = AppliedLoss(loss, weight, start_percent, end_percent, restore, list(patchers), where)
    return io.NodeOutput(apply_loss(conditioning, applied))
