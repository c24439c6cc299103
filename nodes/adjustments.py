"""Simple wishes: how light, how sharp, how symmetric, and a colour at a place."""

import torch
from comfy_api.latest import io
from PIL import ImageColor
from torch import Tensor

from ..guidance_losses import ADJUSTMENTS, MIRRORS, AdjustmentLoss, ColorLoss, InputError, SymmetryLoss
from .checks import place_from_host
from .inputs import place_input
from .loss_node import LossNode, LossSchema, MadeLoss


class AdjustmentLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_AdjustmentLoss",
            display_name="Adjustment Loss",
            description="The picture must have this brightness, contrast or sharpness.",
            inputs=[
                io.Combo.Input(
                    "what",
                    options=list(ADJUSTMENTS),
                    tooltip="brightness: mean luminance. contrast: how far light and dark lie apart. sharpness: the "
                    "share of fine detail in that.",
                ),
                io.Float.Input(
                    "value",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="brightness: 0 black, 1 white. contrast: 0 one grey, 1 half black and half white. "
                    "sharpness: 0 none, 0.3 is much.",
                ),
            ],
            further_inputs=[place_input()],
        )

    @classmethod
    def make_loss(cls, what: str, value: float, place: Tensor | None = None) -> MadeLoss:
        return MadeLoss(AdjustmentLoss(what, value, place_from_host(place)))


class SymmetryLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_SymmetryLoss",
            display_name="Symmetry Loss",
            description="The picture must be its own mirror image.",
            inputs=[io.Combo.Input("mirror", options=list(MIRRORS), tooltip="Which sides are the same.")],
        )

    @classmethod
    def make_loss(cls, mirror: str) -> MadeLoss:
        return MadeLoss(SymmetryLoss(mirror))


class ColorLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_ColorLoss",
            display_name="Colour Loss",
            description="A place must have this colour, whatever the model draws there.",
            inputs=[
                io.String.Input(
                    "color", default="#1e3a8a", tooltip="As on web pages: #1e3a8a, navy, rgb(30, 58, 138)."
                ),
            ],
            further_inputs=[place_input()],
        )

    @classmethod
    def make_loss(cls, color: str, place: Tensor | None = None) -> MadeLoss:
        try:
            channels = ImageColor.getrgb(color.strip())[:3]
        except ValueError as error:
            raise InputError(f"{color!r:.40} is no colour; write it as on web pages, #1e3a8a or navy.") from error
        return MadeLoss(ColorLoss(torch.tensor([channels]) / 255, place_from_host(place)))
