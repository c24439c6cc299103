"""Losses that take a picture's looks from another one: its lines, its colours."""

from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import InputError, PaletteLoss, SketchLoss
from .checks import image_from_host
from .loss_node import LossNode, LossSchema, MadeLoss

DARK_LINES, LIGHT_LINES = "dark on light", "light on dark"
LEAST_CONTRAST = 0.02  # between a drawing's lines and its paper


class SketchLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_SketchLoss",
            display_name="Sketch Loss",
            description="The picture's edges must lie where a drawing has its lines.",
            inputs=[
                io.Image.Input("drawing", tooltip="A line drawing, or the edges of a picture from the Canny node."),
                io.Combo.Input(
                    "lines",
                    options=[DARK_LINES, LIGHT_LINES],
                    default=DARK_LINES,
                    tooltip="A pen draws dark on light, the Canny node light on dark.",
                ),
            ],
        )

    @classmethod
    def make_loss(cls, drawing: Tensor, lines: str) -> MadeLoss:
        drawing = image_from_host(drawing)
        if ((drawing.amax(dim=(1, 2, 3)) - drawing.amin(dim=(1, 2, 3))) < LEAST_CONTRAST).any():
            raise InputError("the drawing is blank, so there are no lines to follow; give one with lines.")
        return MadeLoss(SketchLoss(drawing, dark_lines=lines == DARK_LINES))


class PaletteLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_PaletteLoss",
            display_name="Colour Palette Loss",
            description="The picture must have the colours of another, each as often, wherever they are.",
            inputs=[
                io.Image.Input("image", tooltip="The picture whose colours count, of any size and content."),
            ],
        )

    @classmethod
    def make_loss(cls, image: Tensor) -> MadeLoss:
        return MadeLoss(PaletteLoss(image_from_host(image)))
