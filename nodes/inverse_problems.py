"""Losses that compare the picture with a measurement of it."""

from comfy_api.latest import io
from torch.nn import functional as F

from ..guidance_losses import ColorizeLoss, DeblurLoss, MaskLoss, SuperResolutionLoss, cropped
from .checks import image_from_host, mask_from_host
from .inputs import blur_inputs, noise_level_input, range_inputs, shrink_inputs, weight_input, where_input
from .loss_node import conditioning_input, conditioning_output, guided_by
from .measurements import drawn_kernel


class MaskLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_MaskLoss",
            display_name="Mask Loss",
            category="DSG/losses",
            description="The picture must agree with the image where the mask is black; the white part is free.",
            inputs=[
                conditioning_input(),
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
                noise_level_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls,
        conditioning,
        image,
        mask,
        weight,
        start_percent,
        end_percent,
        threshold,
        restore_known,
        noise_level=0.0,
    ) -> io.NodeOutput:
        image = image_from_host(image, "Mask Loss")
        mask = cropped(mask_from_host(mask, "Mask Loss"), *image.shape[-2:])
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
        loss = MaskLoss(image, known, noise_level)
        restore = loss.restore if restore_known else None
        return guided_by(loss, "Mask Loss", conditioning, weight, start_percent, end_percent, restore=restore)


class SuperResolutionLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_SuperResolutionLoss",
            display_name="Super-Resolution Loss",
            category="DSG/losses",
            description="The picture, made small, must agree with a small image.",
            inputs=[
                conditioning_input(),
                io.Image.Input("image", tooltip="The small image: the picture's size divided by the factor."),
                *shrink_inputs(),
                weight_input(),
                *range_inputs("this loss"),
                noise_level_input(),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls,
        conditioning,
        image,
        factor,
        kernel,
        weight,
        start_percent,
        end_percent,
        noise_level=0.0,
        where=None,
    ) -> io.NodeOutput:
        node = "Super-Resolution Loss"
        loss = SuperResolutionLoss(image_from_host(image, node), factor, kernel, noise_level)
        return guided_by(loss, node, conditioning, weight, start_percent, end_percent, where)


class DeblurLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_DeblurLoss",
            display_name="Deblur Loss",
            category="DSG/losses",
            description="The picture, blurred with a known kernel, must agree with a blurred image.",
            inputs=[
                conditioning_input(),
                io.Image.Input("image", tooltip="The blurred image, of the picture's size."),
                *blur_inputs(),
                weight_input(),
                *range_inputs("this loss"),
                noise_level_input(),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls,
        conditioning,
        image,
        blur,
        size,
        std,
        angle,
        weight,
        start_percent,
        end_percent,
        kernel=None,
        noise_level=0.0,
        where=None,
    ) -> io.NodeOutput:
        node = "Deblur Loss"
        image = image_from_host(image, node)
        drawn = drawn_kernel(blur, size, std, angle, kernel, image.shape[-2:], node)
        loss = DeblurLoss(image, drawn, noise_level)
        return guided_by(loss, node, conditioning, weight, start_percent, end_percent, where)


class ColorizeLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_ColorizeLoss",
            display_name="Colourise Loss",
            category="DSG/losses",
            description="The picture must be as light and dark as the image; its colours are free.",
            inputs=[
                conditioning_input(),
                io.Image.Input("image", tooltip="The grey picture. Of a coloured one only the luminance counts."),
                weight_input(),
                *range_inputs("this loss"),
                noise_level_input(),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls, conditioning, image, weight, start_percent, end_percent, noise_level=0.0, where=None
    ) -> io.NodeOutput:
        node = "Colourise Loss"
        loss = ColorizeLoss(image_from_host(image, node), noise_level)
        return guided_by(loss, node, conditioning, weight, start_percent, end_percent, where)
