"""Losses that compare the picture with a measurement of it."""

import torch
from comfy_api.latest import io
from torch import Tensor
from torch.nn import functional as F

from ..guidance_losses import ColorizeLoss, DeblurLoss, InputError, MaskLoss, SuperResolutionLoss, cropped
from .checks import image_from_host, mask_from_host
from .inputs import blur_inputs, noise_level_input, shrink_inputs
from .loss_node import LossNode, LossSchema, MadeLoss
from .measurements import drawn_kernel

ALL_KNOWN = (
    "without a mask all of the picture is known, which is for frames of a video; connect one, white where the picture "
    "is to be made anew."
)


def known_pixels(mask: Tensor, threshold: float, image: Tensor) -> Tensor:
    """A mask, white where the picture is free, as `[N, 1, H, W]` of the image's size: 1 where a pixel is known.

    Raises:
        InputError: if all pixels are, or none is.
    """
    mask = cropped(mask_from_host(mask), *image.shape[-2:])
    if mask.shape[-2:] != image.shape[-2:]:
        mask = F.interpolate(mask, image.shape[-2:], mode="bilinear", antialias=True)
    known = (mask <= threshold).float()
    if known.all():
        raise InputError(
            "the mask is empty, so there is nothing to make anew; paint white where the picture may change "
            "(right-click the image, Open in MaskEditor), or lower the threshold."
        )
    if not known.any():
        raise InputError(
            "the mask is white everywhere, so no pixel is known and there is nothing to be guided by; leave a part "
            "of it black, or raise the threshold."
        )
    return known


class MaskLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_MaskLoss",
            display_name="Mask Loss",
            description="The picture must agree with the image where the mask is black; the white part is free.",
            inputs=[
                io.Image.Input("image", tooltip="The picture whose known pixels count. Noise in it is allowed."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White where the picture is to be made anew, black where it is known. "
                    "Without it, all is known, of a video's frames.",
                ),
            ],
            further_inputs=[
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
            has_where=False,
        )

    @classmethod
    def make_loss(
        cls,
        image: Tensor,
        threshold: float,
        restore_known: bool,
        mask: Tensor | None = None,
        noise_level: float = 0.0,
    ) -> MadeLoss:
        image = image_from_host(image)
        known = torch.ones_like(image[:, :1]) if mask is None else known_pixels(mask, threshold, image)
        loss = MaskLoss(image, known, noise_level)
        no_still = ALL_KNOWN if mask is None else None
        return MadeLoss(loss, restore=loss.restore if restore_known else None, no_still=no_still)


class SuperResolutionLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_SuperResolutionLoss",
            display_name="Super-Resolution Loss",
            description="The picture, made small, must agree with a small image.",
            inputs=[
                io.Image.Input("image", tooltip="The small image: the picture's size divided by the factor."),
                *shrink_inputs(),
            ],
            further_inputs=[
                noise_level_input(),
            ],
        )

    @classmethod
    def make_loss(cls, image: Tensor, factor: int, kernel: str, noise_level: float = 0.0) -> MadeLoss:
        return MadeLoss(SuperResolutionLoss(image_from_host(image), factor, kernel, noise_level))


class DeblurLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_DeblurLoss",
            display_name="Deblur Loss",
            description="The picture, blurred with a known kernel, must agree with a blurred image.",
            inputs=[
                io.Image.Input("image", tooltip="The blurred image, of the picture's size."),
                *blur_inputs(),
            ],
            further_inputs=[
                noise_level_input(),
            ],
        )

    @classmethod
    def make_loss(
        cls,
        image: Tensor,
        blur: str,
        size: int,
        std: float,
        angle: float,
        kernel: Tensor | None = None,
        noise_level: float = 0.0,
    ) -> MadeLoss:
        blurred = image_from_host(image)
        drawn = drawn_kernel(blur, size, std, angle, kernel, blurred.shape[-2:])
        return MadeLoss(DeblurLoss(blurred, drawn, noise_level))


class ColorizeLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_ColorizeLoss",
            display_name="Colorize Loss",
            description="The picture must be as light and dark as the image; its colours are free.",
            inputs=[
                io.Image.Input("image", tooltip="The grey picture. Of a coloured one only the luminance counts."),
            ],
            further_inputs=[
                noise_level_input(),
            ],
        )

    @classmethod
    def make_loss(cls, image: Tensor, noise_level: float = 0.0) -> MadeLoss:
        return MadeLoss(ColorizeLoss(image_from_host(image), noise_level))
