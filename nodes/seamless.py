"""Pictures that tile."""

from typing import Any

from comfy_api.latest import io

from ..guidance_losses import TILINGS, SeamlessLoss, tiled
from ..host import decode_ring
from .checks import image_from_host, image_to_host
from .loss_node import LossNode, LossSchema, MadeLoss


def tiles_input() -> io.Input:
    """`tiles`: a key of `TILINGS`."""
    return io.Combo.Input(
        "tiles",
        options=list(TILINGS),
        default="both",
        tooltip="Where copies lie. x: beside each other, y: below each other, both: like tiles.",
    )


class SeamlessLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_SeamlessLoss",
            display_name="Seamless Loss",
            description="The picture must tile: copies beside each other show no seam.",
            inputs=[tiles_input()],
        )

    @classmethod
    def make_loss(cls, tiles: str) -> MadeLoss:
        return MadeLoss(SeamlessLoss(tiles))


class SeamlessDecode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_SeamlessDecode",
            display_name="Seamless VAE Decode",
            category="DSG/sampling",
            description="VAE Decode for pictures that tile: at the border the VAE sees what lies at the other side.",
            inputs=[
                io.Latent.Input("samples", tooltip="The finished latent."),
                io.Vae.Input("vae", tooltip="The model's."),
                tiles_input(),
            ],
            outputs=[
                io.Image.Output("image", display_name="image"),
                io.Image.Output("tiling", display_name="tiling", tooltip="Copies beside each other."),
            ],
        )

    @classmethod
    def execute(cls, samples: dict, vae: Any, tiles: str) -> io.NodeOutput:
        image = decode_ring(vae, samples["samples"], SeamlessLoss(tiles).wraps)
        return io.NodeOutput(image, image_to_host(tiled(image_from_host(image), tiles)))
