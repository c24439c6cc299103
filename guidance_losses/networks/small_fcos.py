"""A small detector in torchvision's FCOS (Tian et al. 2019, arXiv 1904.01355), for pictures of about 64 pixels.

torchvision's own detectors begin at millions of weights and pictures of 320 pixels. This one has their interface, loss
and feature pyramid around five blocks of convolutions, with strides of 2, 4 and 8 pixels.
"""

from collections import OrderedDict
from itertools import pairwise

from torch import Tensor, nn

SIDE = 64  # of the shorter side of the pictures that it looks at
WIDTHS = (32, 48, 64, 96)  # at strides of 1, 2, 4 and 8
PYRAMID = 32  # channels
STRIDES = (2, 4, 8)
HEAD_LAYERS = 2


def block(before: int, after: int, stride: int) -> nn.Sequential:
    """Two 3×3 convolutions, the first with the stride."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class Pyramid(nn.Module):
    """Pictures `[B, 3, H, W]` → features of `PYRAMID` channels at each of `STRIDES`."""

    out_channels = PYRAMID

    def __init__(self) -> None:
        from torchvision.ops import FeaturePyramidNetwork

        super().__init__()
        self.stem = block(3, WIDTHS[0], 1)
        self.down = nn.ModuleList(block(before, after, 2) for before, after in pairwise(WIDTHS))
        self.pyramid = FeaturePyramidNetwork(list(WIDTHS[1:]), PYRAMID)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features = self.stem(images)
        levels = OrderedDict()
        for number, down in enumerate(self.down):
            features = levels[str(number)] = down(features)
        return self.pyramid(levels)


def small_fcos(classes: int) -> nn.Module:
    """With fresh weights.

    Args:
        classes: how many it knows, the background, which is number 0, among them.
    """
    from torchvision.models.detection import FCOS
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.fcos import FCOSHead

    anchors = AnchorGenerator(tuple((stride,) for stride in STRIDES), ((1.0,),) * len(STRIDES))
    return FCOS(
        Pyramid(),
        classes,
        min_size=SIDE,
        max_size=2 * SIDE,
        image_mean=[0.5] * 3,
        image_std=[0.25] * 3,
        anchor_generator=anchors,
        head=FCOSHead(PYRAMID, 1, classes, HEAD_LAYERS),
    )
