"""Train the embedded object detector, a small FCOS of torchvision's, on the parts of drawn faces.

    python -m embedded.training.detector --data DIR --run DIR --minutes 25

It minimises torchvision's own loss, and writes `faces_fcos.safetensors`: the weights in half precision, with the names
of the classes. `python -m embedded.evaluation.detectors` measures it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from embedded.face_data import FaceData
from embedded.face_parts import PARTS, part_boxes
from embedded.training.loop import Run, train
from embedded.training.moved import moved
from embedded.training.segmentation import disturb
from guidance_losses.networks.small_fcos import small_fcos

Target = dict[str, Tensor]


def target(face_map: Tensor) -> Target:
    """What torchvision's detectors are trained with: boxes `[K, 4]` and labels `[K]` of what is on a map `[H, W]`."""
    boxes = part_boxes(face_map)
    labels = [PARTS.index(part) + 1 for part in boxes]
    found = torch.stack([*boxes.values()]) if boxes else torch.zeros(0, 4)
    return {"boxes": found, "labels": torch.tensor(labels, dtype=torch.long)}


class Batches:
    """Draws disturbed faces `[B, 3, 64, 64]`, moved and scaled, and what is on each."""

    def __init__(self, split: Path):
        self.data = FaceData(split)

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, list[Target]]:
        index = torch.randint(len(self.data), (size,), generator=generator)
        images, maps = moved(self.data.images(index), self.data.maps(index), generator)
        return disturb(images, generator), [target(face_map) for face_map in maps]


def detection_loss(network: nn.Module, batches: Batches) -> Callable[[int, torch.Generator], Tensor]:
    """The model's own loss: classes, boxes and how central a place is in its box."""

    def loss(size: int, generator: torch.Generator) -> Tensor:
        images, targets = batches(size, generator)
        losses = network(list(images), targets)
        return torch.stack([*losses.values()]).sum()

    return loss


def export(network: nn.Module, path: Path) -> None:
    save_file(network.half().state_dict(), path, {"labels": json.dumps(dict(enumerate(PARTS, 1)))})


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=25, batch_size=32, peak=2e-3)
    network = small_fcos(len(PARTS) + 1)
    seen = train(network, detection_loss(network, Batches(options.data / "train")), run)
    path = run.folder / "faces_fcos.safetensors"
    export(network, path)
    print(f"{seen} samples, written to {path}")


if __name__ == "__main__":
    main()
