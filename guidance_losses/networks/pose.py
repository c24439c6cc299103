"""Networks that see a person's pose: folders of ViTPose, as Hugging Face keeps them.

Xu et al., "ViTPose", NeurIPS 2022, arXiv 2204.12484. See `transformers_folder`.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .model_file import loader
from .transformers_folder import PreparingNetwork, Task, read_folder

ROOM = 1.25  # the region that is looked at, in sizes of the box around the person; as in training
COCO = 0  # of the sets of pictures for which the networks of several experts have one each


def heatmaps(network: nn.Module, seen: Tensor) -> Tensor:
    """Of prepared pictures: for each of K keypoints how sure the network is that it is there, `[B, K, h, w]`."""
    experts = torch.full((len(seen),), COCO, device=seen.device)
    return network(seen, dataset_index=experts).heatmaps


POSE = Task("pose estimation", ("VitPoseForPoseEstimation",), "VitPoseForPoseEstimation", heatmaps)


class Region(NamedTuple):
    """In whole pixels of a picture, beyond which it may go."""

    left: int
    top: int
    right: int
    bottom: int


def cut_out(images: Tensor, region: Region) -> Tensor:
    """The region of pictures `[B, 3, H, W]`; black where they end."""
    height, width = images.shape[-2:]
    left, top, right, bottom = region
    return F.pad(images, (-left, right - width, -top, bottom - height))


class PoseNetwork(PreparingNetwork):
    """Pictures `[B, 3, H, W]`, RGB in [0, 1], and a region of them → heatmaps `[B, K, h, w]` of the person there."""

    def forward(self, images: Tensor, region: Region) -> Tensor:
        return heatmaps(self.network, self.seen(cut_out(images, region)))

    def region(self, box: Tensor) -> Region:
        """What the network looks at for a person in a box `[4]` (left, top, right, bottom) in pixels.

        It has the box's middle, some room around it, and the shape of the network's own pictures.
        """
        rows, columns = self.preprocessing.size_for(1, 1)
        left, top, right, bottom = box.tolist()
        scale = ROOM * max((right - left) / columns, (bottom - top) / rows)
        width, height = (max(round(scale * length), 1) for length in (columns, rows))
        left, top = round((left + right - width) / 2), round((top + bottom - height) / 2)
        return Region(left, top, left + width, top + height)


@loader("a pose network")
def load_pose_network(folder: Path) -> PoseNetwork:
    """Read a ViTPose from its folder, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    network, preprocessing, _ = read_folder(folder, POSE, whole_picture=True)
    return PoseNetwork(network, preprocessing)
