"""How well the embedded segmentation networks, the one that guides and its judge, find the parts of faces.

    python -m embedded.evaluation.segmentation --data DIR

measures both on the test split that `embedded/faces/draw.mjs` drew: 512 people that neither has seen, 4 pictures each.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor
from torchmetrics.classification import MulticlassJaccardIndex

from embedded.face_data import CLASSES, FaceData
from embedded.judges.segmentation import SegmentationJudge
from guidance_losses.networks.segmentation import load_segmentation_network
from tools.comfyui import REPOSITORY

WEIGHTS = REPOSITORY / "embedded" / "weights" / "segmentation" / "faces"
BATCH = 64

Segment = Callable[[Tensor], Tensor]


def intersection_over_union(segment: Segment, faces: FaceData, change: Segment | None = None) -> Tensor:
    """Of each class over all pixels of a split, `[classes]`.

    Args:
        segment: pictures `[B, 3, 64, 64]`, RGB in [0, 1] → logits `[B, classes, 64, 64]`.
        change: what is done to the pictures before.
    """
    metric = MulticlassJaccardIndex(len(CLASSES), average=None)
    with torch.no_grad():
        for start in range(0, len(faces), BATCH):
            batch = slice(start, start + BATCH)
            images = faces.images(batch)
            metric.update(segment(change(images) if change else images), faces.maps(batch))
    return metric.compute()


def blur(images: Tensor) -> Tensor:
    """By a Gaussian of two pixels."""
    return gaussian_blur2d(images, 13, (2.0, 2.0))


def measure(data: Path) -> dict[str, dict[str, float]]:
    """All figures, on the test split under `data`: intersection over union, from 0 to 1."""
    faces = FaceData(data / "test")
    networks: dict[str, Segment] = {"guidance": load_segmentation_network(WEIGHTS), "judge": SegmentationJudge.load()}
    figures = {}
    for name, segment in networks.items():
        classes = intersection_over_union(segment, faces)
        figures[name] = {
            "mean IoU": classes.mean().item(),
            **{f"IoU of {label}": value for label, value in zip(CLASSES, classes.tolist())},
            "mean IoU, blurred by 2 pixels": intersection_over_union(segment, faces, blur).mean().item(),
        }
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote: test/")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
