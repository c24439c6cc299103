"""A second segmentation network for the embedded faces, only to measure: guidance never sees it.

A plain convolutional U-Net (Ronneberger et al. 2015, arXiv 1505.04597), trained by
`embedded.training.segmentation_judge`; the network that guides is a SegFormer.
"""

import json
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).parent.parent / "weights" / "segmentation_judge.safetensors"
SIDE = 64
CHANNELS = (24, 32, 48, 64)  # at full size, a half, a quarter, an eighth


def block(before: int, after: int) -> nn.Sequential:
    """Two 3×3 convolutions."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class SegmentationJudge(nn.Module):
    """Says for each pixel of a face what it belongs to.

    Args:
        labels: the names of the classes, in order.
    """

    def __init__(self, labels: list[str]):
        super().__init__()
        self.labels = labels
        self.down = nn.ModuleList(block(before, after) for before, after in zip((3, *CHANNELS), CHANNELS))
        self.up = nn.ModuleList(block(below + same, same) for same, below in pairwise(CHANNELS))
        self.head = nn.Conv2d(CHANNELS[0], len(labels), 1)

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "SegmentationJudge":
        """The trained network, on the CPU in single precision, its weights without gradient."""
        with safe_open(path, framework="pt") as file:
            judge = cls(json.loads(file.metadata()["labels"]))
            judge.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return judge.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """`[B, 3, 64, 64]`, RGB in [0, 1] → logits `[B, classes, 64, 64]`. At most a few hundred pictures at once.

        Raises:
            ValueError: if the pictures have another shape.
        """
        if images.shape[1:] != (3, SIDE, SIDE):
            raise ValueError(f"SegmentationJudge: pictures must be [B, 3, {SIDE}, {SIDE}], not {[*images.shape]}.")
        features = 2 * images - 1
        levels = []
        for number, down in enumerate(self.down):
            features = down(features if number == 0 else F.max_pool2d(features, 2))
            levels.append(features)
        below = levels.pop()
        for same, up in zip(reversed(levels), reversed(self.up)):
            below = up(torch.cat([same, F.interpolate(below, scale_factor=2)], dim=1))
        return self.head(below)
