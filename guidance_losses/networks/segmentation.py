"""Semantic segmentation networks that users have: folders as Hugging Face keeps them, SegFormer and its like.

SegFormer: Xie et al. 2021, arXiv 2105.15203. See `transformers_folder`.
"""

from pathlib import Path

from torch import Tensor

from .model_file import loader
from .transformers_folder import ClassesNetwork, Task, logits, read_folder, resize

SEGMENTATION = Task("semantic segmentation", ("ForSemanticSegmentation",), "AutoModelForSemanticSegmentation")


class SegmentationNetwork(ClassesNetwork):
    """Pictures `[B, 3, H, W]`, RGB in [0, 1], of any size → logits `[B, classes, H, W]`; see `ClassesNetwork`."""

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
