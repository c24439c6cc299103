"""Train the embedded pose network: transformers' ViTPose (Xu et al. 2022, arXiv 2204.12484), in small.

    python -m embedded.training.pose --data DIR --run DIR --minutes 15

Its keypoints are a face's five points, since drawn people end at the shoulders. The folder `faces` that it writes is a
model as Hugging Face keeps them, the weights in half precision. `python -m embedded.evaluation.pose` measures it.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation

from embedded.evaluation.pose import point_distances
from embedded.face_data import FaceData
from embedded.face_parts import face_points
from embedded.training.loop import Run, train
from embedded.training.model_folder import MEAN, STD, write_folder
from embedded.training.moved import moved
from embedded.training.segmentation import disturb
from guidance_losses.networks.pose import Region, cut_out, load_pose_network

KEYPOINTS = ("left eye", "right eye", "nose", "left corner of the mouth", "right corner of the mouth")  # as seen
PICTURE, ROOM = 64, 8  # pixels; the loss looks at a picture with an eighth around it
SIDE, CELL = PICTURE + 2 * ROOM, 2  # what the network looks at, and a heatmap's pixel
SPREAD = 1.0  # cells: the standard deviation of a keypoint's heat
BACKBONE: dict[str, Any] = {
    "image_size": [SIDE, SIDE],
    "patch_size": [4 * CELL, 4 * CELL],  # the decoder quadruples
    "hidden_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "mlp_ratio": 2,
    "out_indices": [4],
    "initializer_range": 0.1,  # wider than the usual 0.02, as layers so narrow need it
}


def build_network() -> VitPoseForPoseEstimation:
    """With fresh weights."""
    names = dict(enumerate(KEYPOINTS))
    numbers = {name: number for number, name in names.items()}
    config = VitPoseConfig(backbone_config=VitPoseBackboneConfig(**BACKBONE), id2label=names, label2id=numbers)
    return VitPoseForPoseEstimation(config)


def heat(points: Tensor | None) -> Tensor:
    """A Gaussian of height 1 around each of the points `[5, 2]` (x, y in the picture's pixels): `[5, h, w]`."""
    cells = SIDE // CELL
    if points is None:
        return torch.zeros(len(KEYPOINTS), cells, cells)
    middles = CELL * (torch.arange(cells) + 0.5) - ROOM
    across, down = ((middles - place[:, None]).square() / (2 * (SPREAD * CELL) ** 2) for place in points.unbind(1))
    return (-(down[:, :, None] + across[:, None, :])).exp()


class Batches:
    """Draws disturbed faces `[B, 3, 80, 80]`, moved and scaled, and their heatmaps `[B, 5, 40, 40]`."""

    def __init__(self, split: Path):
        self.data = FaceData(split)

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        index = torch.randint(len(self.data), (size,), generator=generator)
        images, maps = moved(self.data.images(index), self.data.maps(index), generator)
        heatmaps = torch.stack([heat(face_points(face_map)) for face_map in maps])
        seen = cut_out(disturb(images, generator), Region(-ROOM, -ROOM, PICTURE + ROOM, PICTURE + ROOM))
        return seen, heatmaps


def pose_loss(network: VitPoseForPoseEstimation, batches: Batches) -> Callable[[int, torch.Generator], Tensor]:
    """ViTPose's own: the mean square of the difference of the heatmaps; here as a share of the mean square itself."""

    def loss(size: int, generator: torch.Generator) -> Tensor:
        images, wanted = batches(size, generator)
        found = network((images - MEAN) / STD).heatmaps
        return (found - wanted).square().sum() / wanted.square().sum()

    return loss


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=15, batch_size=32, peak=3e-3)
    network = build_network()
    seen = train(network, pose_loss(network, Batches(options.data / "train")), run)
    write_folder(network, run.folder / "faces", "VitPoseImageProcessor", SIDE)
    print(f"{seen} samples, written to {run.folder / 'faces'}")
    trained, faces = load_pose_network(run.folder / "faces"), FaceData(options.data / "test")
    print(f"test mean distance: {point_distances(trained, faces.images(slice(256)), faces.maps(slice(256))).nanmean()}")


if __name__ == "__main__":
    main()
