"""The loss that says what is to be where."""

import torch
from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import BOXES, InputError, ObjectLoss, mask_boxes
from ..guidance_losses.networks.object_detector import ObjectDetector
from ..host import LoadedNetwork
from .checks import class_number, mask_from_host
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import DetectorSocket


def asked_objects(text: str, masks: Tensor, boxes: str, labels: dict[int, str]) -> tuple[Tensor, Tensor]:
    """Boxes `[K, 4]` and classes `[K]` of what is in the masks `[N, 1, H, W]`, by "dog" or by one name for each mask.

    Raises:
        InputError: in one sentence, for a class that the detector does not know, another number of classes, or a black
            mask.
    """
    names = text.split(",")
    if len(names) not in (1, len(masks)):
        raise InputError(f"classes names {len(names)} for {len(masks)} masks; name one, or one for each mask.")
    numbers = [class_number(name, labels) for name in names]
    found = [mask_boxes(mask[0], boxes) for mask in masks]
    for number, each in enumerate(found, 1):
        if not len(each):
            raise InputError(
                f"mask {number} is black everywhere, so there is no box around anything; paint it white "
                "where the object is to be."
            )
    classes = [torch.full((len(each),), number) for each, number in zip(found, numbers * (len(found) // len(names)))]
    return torch.cat(found), torch.cat(classes)


class ObjectLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_ObjectLoss",
            display_name="Object Loss",
            description="The picture must show an object of a kind, a dog or a chair, in a box; or several.",
            inputs=[
                DetectorSocket.Input("model", tooltip="From Load Object Detector."),
                io.Mask.Input("mask", tooltip="White where the object is to be; a batch of masks for several objects."),
                io.String.Input(
                    "classes",
                    default="person",
                    tooltip='What is to be there, for all masks or for each: "person, dog". The detector\'s names.',
                ),
                io.Combo.Input(
                    "boxes",
                    options=list(BOXES),
                    default=BOXES[0],
                    tooltip="Whether white regions that do not touch are several objects of that class, or one.",
                ),
            ],
        )

    @classmethod
    def make_loss(cls, model: LoadedNetwork[ObjectDetector], mask: Tensor, classes: str, boxes: str) -> MadeLoss:
        masks = mask_from_host(mask)
        asked = asked_objects(classes, masks, boxes, model.module.labels)
        size = masks.shape[-2], masks.shape[-1]
        return MadeLoss(ObjectLoss(model.module, *asked, size=size), [model.patcher])
