"""Losses that compare the picture with a measurement of it."""

import torch
from comfy_api.latest import io
from torch.nn import functional as F

from ..guidance_losses import MaskLoss
from ..host import AppliedLoss, apply_loss
from .checks import check_range, image_from_host, mask_from_host
from .inputs import range_inputs, weight_input


class MaskLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_MaskLoss",
            display_name="Mask Loss",
            category="DSG/losses",
            description="The picture must agree with the image where the mask is black; the white part is free.",
            inputs=[
                io.Conditioning.Input("conditioning", tooltip="The positive conditioning of the sampler."),
                io.Image.Input("image", tooltip="The picture whose known pixels count. Noise in it is allowed."),
                io.Mask.Input("mask", tooltip="White where the picture is to be made anew, black where it is known."),
                weight_input(),
                *range_inputs("this loss"),
                io.Float.Input(
                    "threshold",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="A soft mask is white above this. Lower it if a grey edge must be made anew.",
                ),
                io.Boolean.Input(
                    "restore_known",
                    default=False,
                    tooltip="Put the known pixels back into the finished picture. Leave it off if they are noisy.",
                ),
            ],
            outputs=[io.Conditioning.Output("guided", display_name="conditioning")],
        )

    @classmethod
    def execute(
        cls, conditioning, image, mask, weight, start_percent, end_percent, threshold, restore_known
    ) -> io.NodeOutput:
        check_range(start_percent, end_percent, "Mask Loss")
        image = image_from_host(image, "Mask Loss")
        mask = mask_from_host(mask, "Mask Loss")
        if mask.shape[-2:] != image.shape[-2:]:
            mask = F.interpolate(mask, image.shape[-2:], mode="bilinear", antialias=True)
        known = (mask <= threshold).float()
        if known.all():
            raise ValueError(
                "Mask Loss: the mask is empty, so there is nothing to make anew; paint white where the picture may "
                "change (right-click the image, Open in MaskEditor), or lower the threshold."
            )
        if not known.any():
            raise ValueError(
                "Mask Loss: the mask is white everywhere, so no pixel is known and there is nothing to be guided by; "
                "leave a part of it black, or raise the threshold."
            )
        loss = MaskLoss(image, known)
        restore = loss.restore if restore_known else None
        return io.NodeOutput(apply_loss(conditioning, AppliedLoss(loss, weight, start_percent, end_percent, restore)))


class RandomMask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_RandomMask",
            display_name="Random Mask",
            category="DSG/measurements",
            description="Hides pixels at random: the random inpainting task of the papers.",
            inputs=[
                io.Image.Input("image", tooltip="The mask gets this picture's size."),
                io.Float.Input(
                    "hidden",
                    default=0.7,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of the pixels that are hidden (white).",
                ),
                io.Int.Input("seed", default=0, min=0, max=2**63 - 1, tooltip="Another seed hides other pixels."),
            ],
            outputs=[io.Mask.Output("mask", display_name="mask")],
        )

    @classmethod
    def execute(cls, image, hidden, seed) -> io.NodeOutput:
        count, height, width = image.shape[:3]
        generator = torch.Generator().manual_seed(seed)
        order = torch.rand(count, height * width, generator=generator).argsort(dim=1).argsort(dim=1)
        mask = (order < round(hidden * height * width)).float()
        return io.NodeOutput(mask.reshape(count, height, width))
