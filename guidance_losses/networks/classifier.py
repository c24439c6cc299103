"""Image classifiers that users have: folders as Hugging Face keeps them, ViT, ConvNeXt, ResNet and their like.

See `transformers_folder`.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from .model_file import loader
from .transformers_folder import Preprocessing, Task, read_folder, resize

CLASSIFICATION = Task("image classification", "ForImageClassification", "AutoModelForImageClassification")


class ClassifierNetwork(nn.Module):
    """Pictures `[B, 3, H, W]`, RGB in [0, 1], of any size → logits `[B, classes]`. Its weights take no gradient.

    It looks at the whole picture, stretched to the network's square.

    Args:
        network: a transformers model for image classification.

    Attributes:
        labels: the classes' names, in the logits' order.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, labels: list[str]):
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing
        self.labels = labels
        self.register_buffer("mean", torch.tensor(preprocessing.mean, dtype=torch.float32).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(preprocessing.std, dtype=torch.float32).view(3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        size = self.preprocessing.size_for(*images.shape[-2:])
        seen = (resize(images, size) - self.mean) / self.std
        return self.network(seen.flip(1) if self.preprocessing.blue_first else seen).logits


@loader("an image classifier")
def load_classifier(folder: Path) -> ClassifierNetwork:
    """Read an image classifier from its folder, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    return ClassifierNetwork(*read_folder(folder, CLASSIFICATION, whole_picture=True))
