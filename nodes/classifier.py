"""The loss that says what a classifier is to see."""

import difflib

import torch
from comfy_api.latest import io

from ..guidance_losses import ClassifierLoss, InputError, enumeration, shown
from ..guidance_losses.networks.classifier import ClassifierNetwork
from ..host import LoadedNetwork
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import ClassifierSocket

ALIKE = 5  # names that are offered in place of one that is not there


def named_classes(text: str, labels: list[str]) -> list[int]:
    """Numbers of the classes in "tabby, tiger cat", upper or lower case.

    Labels may have several names with commas between, as ImageNet's "tench, Tinca tinca"; each will do. Classes of the
    same name are all meant.

    Raises:
        InputError: in one sentence, for a class that the model does not have, or none.
    """
    numbers: dict[str, list[int]] = {}
    for number, label in enumerate(labels):
        for name in label.lower().split(","):
            numbers.setdefault(name.strip(), []).append(number)
    found: set[int] = set()
    for part in text.split(","):
        name = part.strip().lower()
        if name not in numbers or not name:
            near = difflib.get_close_matches(name, numbers, ALIKE) or labels
            raise InputError(f"the model has no class {shown(part.strip())}; it has {enumeration(near)}.")
        found |= {*numbers[name]}
    return sorted(found)


class ClassifierLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_ClassifierLoss",
            display_name="Classifier Loss",
            description="The picture must show what an image classifier knows: a kind of bird, a flower, a digit.",
            inputs=[
                ClassifierSocket.Input("model", tooltip="From Load Classifier."),
                io.String.Input(
                    "classes",
                    default="",
                    tooltip='The class by its name: "tabby". Of several, "tabby, tiger cat", the picture shows one.',
                ),
            ],
        )

    @classmethod
    def make_loss(cls, model: LoadedNetwork[ClassifierNetwork], classes: str) -> MadeLoss:
        numbers = named_classes(classes, model.module.labels)
        return MadeLoss(ClassifierLoss(model.module, torch.tensor(numbers), classes.strip()), [model.patcher])
