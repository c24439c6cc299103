"""Image classifiers that users have: folders as Hugging Face keeps them, ViT, ConvNeXt, ResNet and their like.

See `transformers_folder`.
"""

from pathlib import Path

from torch import Tensor

from .model_file import loader
from .transformers_folder import ClassesNetwork, Task, logits, read_folder

CLASSIFICATION = Task("image classification", ("ForImageClassification",), "AutoModelForImageClassification")


class ClassifierNetwork(ClassesNetwork):
    """Pictures `[B, 3, H, W]`, RGB in [0, 1], of any size → logits `[B, classes]`. Its weights take no gradient.

    It looks at the whole picture, stretched to the network's square.
    """

    def forward(self, images: Tensor) -> Tensor:
        return logits(self.network, self.seen(images))


@loader("an image classifier")
def load_classifier(folder: Path) -> ClassifierNetwork:
    """Read an image classifier from its folder, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    return ClassifierNetwork(*read_folder(folder, CLASSIFICATION, whole_picture=True))
