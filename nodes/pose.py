"""The loss that says how a person stands, sits or moves."""

from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import InputError, PoseLoss
from ..guidance_losses.networks.pose import PoseNetwork
from ..host import LoadedNetwork
from .checks import image_from_host, mask_from_host
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import PoseSocket


def person_from_host(mask: Tensor | None) -> Tensor | None:
    """An optional mask of one person, `[1, 1, H, W]`.

    Raises:
        InputError: in one sentence, if there are several masks, or there is nothing white.
    """
    if mask is None:
        return None
    mask = mask_from_host(mask)
    if len(mask) != 1:
        raise InputError(f"a person mask goes with all pictures, and there are {len(mask)}; give one.")
    if not (mask > 0.5).any():
        raise InputError("the person mask is black everywhere; paint white over the person, or leave it off.")
    return mask


class PoseLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_PoseLoss",
            display_name="Pose Loss",
            description="A person's joints must lie where they lie on a reference picture; who it is stays open.",
            inputs=[
                PoseSocket.Input("model", tooltip="From Load Pose Model."),
                io.Image.Input("image", tooltip="A person in the pose that is asked for; or one for each picture."),
            ],
            further_inputs=[
                io.Mask.Input(
                    "person_mask",
                    optional=True,
                    tooltip="White over the one person that counts, on the reference and on the picture.",
                )
            ],
        )

    @classmethod
    def make_loss(cls, model: LoadedNetwork[PoseNetwork], image: Tensor, person_mask: Tensor | None = None) -> MadeLoss:
        loss = PoseLoss(model.module, image_from_host(image), person_from_host(person_mask))
        return MadeLoss(loss, [model.patcher])
