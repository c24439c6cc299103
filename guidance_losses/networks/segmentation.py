"""Semantic segmentation networks that users have: folders as Hugging Face keeps them, SegFormer and its like.

SegFormer: Xie et al. 2021, arXiv 2105.15203. See `transformers_folder`.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from .model_file import loader
from .transformers_folder import Preprocessing, Task, read_folder, resize

SEGMENTATION = Task("semantic segmentation", "ForSemanticSegmentation", "AutoModelForSemanticSegmentation")


class SegmentationNetwork(nn.Module):
    """Pictures `[B, 3, H, W]`, RGB in [0, 1], of any size → logits `[B, classes, H, W]`. Its weights take no gradient.

    Args:
        network: a transformers model for semantic segmentation.

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
        height, width = images.shape[-2:]
        seen = (resize(images, self.preprocessing.size_for(height, width)) - self.mean) / self.std
        logits = self.network(seen.flip(1) if self.preprocessing.blue_first else seen).logits
        return resize(logits, (height, width))


@loader("a segmentation network")
def load_segmentation_network(folder: Path) -> SegmentationNetwork:
    """Read a semantic segmentation network from its folder, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    return SegmentationNetwork(*read_folder(folder, SEGMENTATION))
