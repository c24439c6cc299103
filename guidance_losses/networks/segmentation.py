"""Semantic segmentation networks that users have: folders as Hugging Face keeps them, SegFormer and its like.

SegFormer: Xie et al. 2021, arXiv 2105.15203. See `transformers_folder`.
"""

from pathlib import Path

from torch import Tensor, nn

from .model_file import loader
from .transformers_folder import PreparingNetwork, Preprocessing, Task, logits, read_folder, resize

SEGMENTATION = Task("semantic segmentation", ("ForSemanticSegmentation",), "AutoModelForSemanticSegmentation")


class SegmentationNetwork(PreparingNetwork):
    """Pictures `[B, 3, H, W]`, RGB in [0, 1], of any size → logits `[B, classes, H, W]`. Its weights take no gradient.

    Args:
        network: a transformers model for semantic segmentation.

    Attributes:
        labels: the classes' names, in the logits' order.
    """

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, labels: list[str]):
        super().__init__(network, preprocessing)
        self.labels = labels

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        return resize(logits(self.network, self.seen(images)), (height, width))


@loader("a segmentation network")
def load_segmentation_network(folder: Path) -> SegmentationNetwork:
    """Read a semantic segmentation network from its folder, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    return SegmentationNetwork(*read_folder(folder, SEGMENTATION))
