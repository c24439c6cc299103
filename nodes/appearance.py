"""Losses that take a picture's looks from another one: its lines, its colours."""

from comfy_api.latest import io

from ..guidance_losses import PaletteLoss, SketchLoss
from .checks import image_from_host
from .inputs import range_inputs, weight_input, where_input
from .loss_node import conditioning_input, conditioning_output, guided_by

DARK_LINES, LIGHT_LINES = "dark on light", "light on dark"
LEAST_CONTRAST = 0.02  # between a drawing's lines and its paper


class SketchLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_SketchLoss",
            display_name="Sketch Loss",
            category="DSG/losses",
            description="The picture's edges must lie where a drawing has its lines.",
            inputs=[
                conditioning_input(),
                io.Image.Input("drawing", tooltip="A line drawing, or the edges of a picture from the Canny node."),
                io.Combo.Input(
                    "lines",
                    options=[DARK_LINES, LIGHT_LINES],
                    default=DARK_LINES,
                    tooltip="A pen draws dark on light, the Canny node light on dark.",
                ),
                weight_input(),
                *range_inputs("this loss"),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(cls, conditioning, drawing, lines, weight, start_percent, end_percent, where=None) -> io.NodeOutput:
        drawing = image_from_host(drawing, "Sketch Loss")
        if ((drawing.amax(dim=(1, 2, 3)) - drawing.amin(dim=(1, 2, 3))) < LEAST_CONTRAST).any():
            raise ValueError("Sketch Loss: the drawing is blank, so there are no lines to follow; give one with lines.")
        loss = SketchLoss(drawing, dark_lines=lines == DARK_LINES)
        return guided_by(loss, "Sketch Loss", conditioning, weight, start_percent, end_percent, where)


class PaletteLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_PaletteLoss",
            display_name="Colour Palette Loss",
            category="DSG/losses",
            description="The picture must have the colours of another, each as often, wherever they are.",
            inputs=[
                conditioning_input(),
                io.Image.Input("image", tooltip="The picture whose colours count, of any size and content."),
                weight_input(),
                *range_inputs("this loss"),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(cls, conditioning, image, weight, start_percent, end_percent, where=None) -> io.NodeOutput:
        loss = PaletteLoss(image_from_host(image, "Colour Palette Loss"))
        return guided_by(loss, "Colour Palette Loss", conditioning, weight, start_percent, end_percent, where)
