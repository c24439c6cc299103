"""Pictures that are QR codes."""

import torch
from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import ERROR_CORRECTION, InputError, QRLoss, code_picture, qr_modules, read_modules
from .checks import image_from_host, image_to_host
from .loss_node import LossNode, LossSchema, MadeLoss

DRAWN_SIZE, DRAWN_MARGIN = 8, 4  # pixels of a module, and modules around the code, of the picture of a code


class QRCode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_QRCode",
            display_name="QR Code",
            category="DSG/measurements",
            description="The QR code of a text, for QR Loss.",
            inputs=[
                io.String.Input("text", default="dsg", tooltip="What the code says, an address for instance."),
                io.Combo.Input(
                    "error_correction",
                    options=list(ERROR_CORRECTION),
                    default=list(ERROR_CORRECTION)[-1],
                    tooltip="Share of the code that may be unreadable. More needs more modules for the same text.",
                ),
            ],
            outputs=[io.Image.Output("code", display_name="code")],
        )

    @classmethod
    def execute(cls, text: str, error_correction: str) -> io.NodeOutput:
        modules = qr_modules(text, ERROR_CORRECTION[error_correction])
        return io.NodeOutput(image_to_host(code_picture(modules[None], DRAWN_SIZE, DRAWN_MARGIN)))


class QRLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_QRLoss",
            display_name="QR Loss",
            description="The picture must be read as a QR code.",
            inputs=[
                io.Image.Input("code", tooltip="From the QR Code node, or another clean picture of a code."),
                io.Int.Input(
                    "module_size",
                    default=0,
                    min=0,
                    max=256,
                    tooltip="Pixels each way of a module, the code's smallest square. 0: the largest that fits.",
                ),
                io.Int.Input(
                    "margin",
                    default=4,
                    min=0,
                    max=16,
                    tooltip="Modules around the code that are light. The standard wants 4; most readers need 1 or 2.",
                ),
                io.Float.Input(
                    "contrast",
                    default=0.4,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How much lighter light modules are than dark ones. More reads better, and leaves less of "
                    "the picture.",
                ),
            ],
        )

    @classmethod
    def make_loss(cls, code: Tensor, module_size: int, margin: int, contrast: float) -> MadeLoss:
        codes = [read_modules(picture) for picture in image_from_host(code)]
        sides = sorted({len(modules) for modules in codes})
        if len(sides) > 1:
            raise InputError(
                f"the codes have {' and '.join(map(str, sides))} modules each way; give codes of one size, whose texts "
                "are about as long as each other."
            )
        return MadeLoss(QRLoss(torch.stack(codes), module_size, margin, contrast))
