"""The loss that says what is to be near and what far."""

from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import DepthLoss, InputError
from ..guidance_losses.networks.depth import DepthNetwork
from ..host import LoadedNetwork
from .checks import image_from_host
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import DepthSocket

COLOURED = 0.1  # the difference of two channels; compression makes smaller ones


def map_from_host(image: Tensor) -> Tensor:
    """A depth map that came as an IMAGE: `[N, 1, H, W]`.

    Raises:
        InputError: if it is coloured, so that light and dark do not say what is near.
    """
    channels = image_from_host(image)
    if (channels.amax(1) - channels.amin(1)).max() > COLOURED:
        raise InputError("the depth map is coloured; give one in grey, near light and far dark.")
    return channels.mean(1, keepdim=True)


class DepthLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_DepthLoss",
            display_name="Depth Loss",
            description="The picture must be near and far where a reference picture, or a depth map, is.",
            inputs=[DepthSocket.Input("model", tooltip="From Load Depth Model.")],
            further_inputs=[
                io.Image.Input("image", optional=True, tooltip="A picture whose depth is copied."),
                io.Image.Input("depth_map", optional=True, tooltip="Instead of it a depth map, near light, far dark."),
            ],
        )

    @classmethod
    def make_loss(
        cls, model: LoadedNetwork[DepthNetwork], image: Tensor | None = None, depth_map: Tensor | None = None
    ) -> MadeLoss:
        if (image is None) == (depth_map is None):
            raise InputError("connect either an image, whose depth is copied, or a depth map.")
        picture = None if image is None else image_from_host(image)
        asked = None if depth_map is None else map_from_host(depth_map)
        return MadeLoss(DepthLoss(model.module, picture, asked), [model.patcher])
