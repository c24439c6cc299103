"""Measurements of a picture, for the losses that compare with one."""

from collections.abc import Sequence

import torch
from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import InputError, check_factor, check_kernel, gaussian_kernel, motion_kernel, shrink
from ..guidance_losses import blur as blurred
from .checks import image_from_host, image_to_host
from .inputs import blur_inputs, shrink_inputs


def drawn_kernel(
    blur: str, size: int, std: float, angle: float, kernel: Tensor | None, picture: Sequence[int]
) -> Tensor:
    """The blur kernel that the widgets of `blur_inputs` describe, `[odd, odd]`, sum 1.

    Raises:
        InputError: in one sentence, if it has no middle, is larger than the picture (height, width) or black.
    """
    if kernel is None:
        check_kernel((size, size), *picture)
        return gaussian_kernel(size, std) if blur == "gaussian" else motion_kernel(size, angle)
    pictures = image_from_host(kernel)
    if len(pictures) != 1:
        raise InputError(f"{len(pictures)} kernels were given; give one, which serves all pictures.")
    grey = pictures.mean(dim=1)[0]
    check_kernel(grey.shape, *picture)
    if grey.sum() <= 0:
        raise InputError("the kernel is black, so nothing of the picture would be left; draw it in white.")
    return grey / grey.sum()


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
    def execute(cls, image: Tensor, hidden: float, seed: int) -> io.NodeOutput:
        count, _, height, width = image_from_host(image).shape
        generator = torch.Generator().manual_seed(seed)
        order = torch.rand(count, height * width, generator=generator).argsort(dim=1).argsort(dim=1)
        mask = (order < round(hidden * height * width)).float()
        return io.NodeOutput(mask.reshape(count, height, width))


class ShrinkPicture(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_ShrinkPicture",
            display_name="Shrink Picture",
            category="DSG/measurements",
            description="Makes a picture small just as the Super-Resolution Loss does.",
            inputs=[io.Image.Input("image", tooltip="The large picture."), *shrink_inputs()],
            outputs=[io.Image.Output("small", display_name="image")],
        )

    @classmethod
    def execute(cls, image: Tensor, factor: int, kernel: str) -> io.NodeOutput:
        large = image_from_host(image)
        check_factor(factor, *large.shape[-2:])
        return io.NodeOutput(image_to_host(shrink(large, factor, kernel)))


class BlurPicture(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_BlurPicture",
            display_name="Blur Picture",
            category="DSG/measurements",
            description="Blurs a picture just as the Deblur Loss does.",
            inputs=[io.Image.Input("image", tooltip="The sharp picture."), *blur_inputs()],
            outputs=[io.Image.Output("blurred", display_name="image")],
        )

    @classmethod
    def execute(
        cls, image: Tensor, blur: str, size: int, std: float, angle: float, kernel: Tensor | None = None
    ) -> io.NodeOutput:
        sharp = image_from_host(image)
        drawn = drawn_kernel(blur, size, std, angle, kernel, sharp.shape[-2:])
        return io.NodeOutput(image_to_host(blurred(sharp, drawn)))
