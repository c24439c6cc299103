"""The loss that says what is to be where."""

import torch
from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import BOXES, ObjectLoss, mask_boxes
from .checks import class_number, mask_from_host
from .inputs import range_inputs, weight_input, where_input
from .loss_node import conditioning_input, conditioning_output, guided_by
from .sockets import DetectorSocket


def asked_objects(text: str, masks: Tensor, boxes: str, labels: dict[int, str]) -> tuple[Tensor, Tensor]:
    """Boxes `[K, 4]` and classes `[K]` of what is in the masks `[N, 1, H, W]`, by "dog" or by one name for each mask.

    Raises:
        ValueError: in one sentence, for a class that the detector does not know, another number of classes, or a black
            mask.
    """
    names = text.split(",")
    if len(names) not in (1, len(masks)):
        raise ValueError(
            f"Object Loss: classes names {len(names)} for {len(masks)} masks; name one, or one for each mask."
        )
    numbers = [class_number(name, labels, "Object Loss") for name in names]
    found = [mask_boxes(mask[0], boxes) for mask in masks]
    for number, each in enumerate(found, 1):
        if not len(each):
            raise ValueError(
                f"Object Loss: mask {number} is black everywhere, so there is no box around anything; paint it white "
                "where the object is to be."
            )
    classes = [torch.full((len(each),), number) for each, number in zip(found, numbers * (len(found) // len(names)))]
    return torch.cat(found), torch.cat(classes)


class ObjectLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_ObjectLoss",
            display_name="Object Loss",
            category="DSG/losses",
            description="The picture must show an object of a kind, a dog or a chair, in a box; or several.",
            inputs=[
                conditioning_input(),
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
                weight_input(),
                *range_inputs("this loss"),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls, conditioning, model, mask, classes, boxes, weight, start_percent, end_percent, where=None
    ) -> io.NodeOutput:
        masks = mask_from_host(mask, "Object Loss")
        asked = asked_objects(classes, masks, boxes, model.module.labels)
        loss = ObjectLoss(model.module, *asked, size=tuple(masks.shape[-2:]))
        return guided_by(loss, "Object Loss", conditioning, weight, start_percent, end_percent, where, [model.patcher])
