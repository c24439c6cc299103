"""The loss that says where the parts of a picture are to be."""

import torch
from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import SEGMENTATION_DISTANCES, InputError, SegmentationLoss, shown
from ..guidance_losses.networks.segmentation import SegmentationNetwork
from ..host import LoadedNetwork
from .checks import class_number, image_from_host, mask_from_host
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import SegmentationSocket


def chosen_classes(text: str, labels: list[str]) -> tuple[list[int], list[float]]:
    """Numbers and weights of the classes in "hair:2, skin", or of all.

    Raises:
        InputError: in one sentence, for a class that the model does not have, or a weight that is no number above 0.
    """
    if text.strip().lower() in ("", "all"):
        return list(range(len(labels))), [1.0] * len(labels)
    weights: dict[int, float] = {}
    for part in text.split(","):
        name, _, weight = part.partition(":")
        number = class_number(name, dict(enumerate(labels)))
        try:
            value = float(weight or 1)
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise InputError(f"{shown(part.strip())} has no weight above 0 behind the colon; write hair:2.")
        weights[number] = value
    return list(weights), list(weights.values())


class SegmentationLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_SegmentationLoss",
            display_name="Segmentation Loss",
            description="The picture must have its parts where a reference picture, or a mask, has them.",
            inputs=[
                SegmentationSocket.Input("model", tooltip="From Load Segmentation Model."),
                io.String.Input(
                    "classes",
                    default="all",
                    tooltip='Which classes count, with weights if you like: "hair:2, skin". The others count as one.',
                ),
                io.Combo.Input(
                    "distance",
                    options=list(SEGMENTATION_DISTANCES),
                    default=SEGMENTATION_DISTANCES[0],
                    tooltip="cross-entropy pulls hardest where the model is surest of something else.",
                ),
            ],
            further_inputs=[
                io.Image.Input("image", optional=True, tooltip="A picture whose parts lie as they are to lie."),
                io.Mask.Input("mask", optional=True, tooltip="White where the one class named in classes is to be."),
            ],
        )

    @classmethod
    def make_loss(
        cls,
        model: LoadedNetwork[SegmentationNetwork],
        classes: str,
        distance: str,
        image: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> MadeLoss:
        if (image is None) == (mask is None):
            raise InputError("connect either an image, whose parts are copied, or a mask for one class.")
        numbers, weights = chosen_classes(classes, model.module.labels)
        if mask is not None and len(numbers) != 1:
            raise InputError(
                f"a mask says where one class is to be, and classes names {len(numbers)}; name one (and chain a second "
                "node for another)."
            )
        loss = SegmentationLoss(
            model.module,
            torch.tensor(numbers),
            torch.tensor(weights),
            None if image is None else image_from_host(image),
            None if mask is None else mask_from_host(mask).clamp(0, 1),
            distance,
        )
        return MadeLoss(loss, [model.patcher])
