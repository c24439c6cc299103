"""How well the embedded detectors, of parts and of faces with five points, find what is on faces.

    python -m embedded.evaluation.detectors --data DIR

measures both on the test split that `embedded/faces/draw.mjs` drew: 512 people that neither has seen, 4 pictures each,
as they are, and moved and scaled as in the training.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou

from embedded.face_data import FaceData
from embedded.face_parts import PARTS, face_points, part_boxes
from embedded.training.moved import moved, shuffled_tiles
from guidance_losses.networks.face_detector import FaceDetector, load_face_detector
from guidance_losses.networks.object_detector import ObjectDetector, load_object_detector
from tools.comfyui import REPOSITORY

WEIGHTS = REPOSITORY / "embedded" / "weights"
DETECTOR, ARCHITECTURE = WEIGHTS / "detection" / "faces_fcos.safetensors", "fcos_small"
FACE_DETECTOR = WEIGHTS / "face" / "faces_scrfd.onnx"
BATCH = 64


@torch.no_grad()
def surest_boxes(detector: ObjectDetector, images: Tensor) -> list[dict[str, Tensor]]:
    """Of each class that a detector finds on pictures `[B, 3, H, W]`, the box `[4]` that it is surest of."""
    detector.network.eval()
    found = []
    for seen in detector.network(list(images)):
        labels, boxes = seen["labels"].tolist(), seen["boxes"]  # the surest first
        found.append({detector.labels[label]: box for label, box in reversed(list(zip(labels, boxes)))})
    detector.network.train()
    return found


def part_overlaps(detector: ObjectDetector, images: Tensor, maps: Tensor) -> dict[str, list[float]]:
    """Intersection over union of each part's box with the surest one that is found; 0 where none is."""
    overlaps: dict[str, list[float]] = defaultdict(list)
    for found, face_map in zip(surest_boxes(detector, images), maps):
        for part, box in part_boxes(face_map).items():
            overlaps[part].append(float(box_iou(box[None], found[part][None])) if part in found else 0.0)
    return overlaps


def point_distances(detector: FaceDetector, images: Tensor, maps: Tensor) -> list[float]:
    """Mean distance of the five points, in pixels; NaN where no face is found. Pictures without points are left out."""
    distances = []
    for image, points in zip(images, map(face_points, maps)):
        if points is not None:
            found = detector.find(image[None])
            far = (found.points[0] - points).norm(dim=-1).mean()
            distances.append(float(far) if found.found else float("nan"))
    return distances


def measure(data: Path) -> dict[str, dict[str, float]]:
    """All figures, on the test split under `data`."""
    parts, points = load_object_detector(DETECTOR, ARCHITECTURE), load_face_detector(FACE_DETECTOR)
    faces, generator = FaceData(data / "test"), torch.Generator().manual_seed(0)
    overlaps: dict[str, list[float]] = defaultdict(list)
    distances: dict[str, list[float]] = defaultdict(list)
    seen_in_tiles: list[bool] = []
    for start in range(0, len(faces), BATCH):
        batch = slice(start, start + BATCH)
        pairs = {"": (faces.images(batch), faces.maps(batch))}
        pairs[", moved"] = moved(*pairs[""], generator)
        for how, pair in pairs.items():
            distances[how] += point_distances(points, *pair)
            for part, values in part_overlaps(parts, *pair).items():
                overlaps[part + how] += values
        seen_in_tiles += points.find(shuffled_tiles(pairs[""][0], generator)).found.tolist()
    boxes = {f"IoU of {part}": float(np.mean(values)) for part, values in overlaps.items()}
    five: dict[str, float] = {}
    for how, found in distances.items():
        boxes[f"mean IoU{how}"] = float(np.mean([boxes[f"IoU of {part}{how}"] for part in PARTS]))
        five[f"faces found{how}"] = float(np.isfinite(found).mean())
        five[f"mean distance of points, pixels{how}"] = float(np.nanmean(found))
    five["faces found in shuffled tiles"] = float(np.mean(seen_in_tiles))
    return {"parts": boxes, "faces with five points": five}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote: test/")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
