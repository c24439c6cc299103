"""Train the embedded face detector with five points a face, a miniature of insightface's SCRFD.

    python -m embedded.training.landmarks --data DIR --run DIR --minutes 20

SCRFD (Guo et al. 2021, arXiv 2105.04714) learns a score that says how well an anchor's box fits (Li et al. 2020, arXiv
2006.04388), the boxes by their generalised overlap (Rezatofighi et al. 2019, arXiv 1902.09630), and the points by a
smooth L1 distance. It writes `faces_scrfd.onnx`, in the form of insightface's files, which
`guidance_losses/networks/face_detector.py` reads. `python -m embedded.evaluation.detectors` measures it.
"""

import argparse
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import generalized_box_iou_loss

from embedded.face_data import FaceData
from embedded.face_parts import face_points, part_boxes
from embedded.training.loop import Run, train
from embedded.training.moved import moved
from embedded.training.onnx_export import onnx_model
from embedded.training.segmentation import disturb
from guidance_losses.networks.face_detector import ANCHORS, LAYOUT, POINTS, STRIDES, Candidates, decoded
from guidance_losses.networks.small_fcos import block

SIDE = 64
WIDTHS = (16, 32, 48, 64, 64, 64)  # at strides of 1, 2, 4, 8, 16 and 32
NEAR = 0.25  # of a box's longer side: anchors so near to its middle answer for the face
FACES = ("face", "eyes", "mouth")  # all three are to be seen


class SmallSCRFD(nn.Module):
    """Pictures `[1, 3, 64, 64]`, RGB in about [−1, 1] → scores, box distances and point offsets at each of `STRIDES`.

    Each is `[rows, 1, 4 or 10]`, two rows a place, as insightface's files give them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = block(3, WIDTHS[0], 1)
        self.down = nn.ModuleList(block(before, after, 2) for before, after in pairwise(WIDTHS))
        self.heads = nn.ModuleList(
            nn.Conv2d(width, ANCHORS * numbers, 3, padding=1) for width in WIDTHS[-len(STRIDES) :] for numbers in LAYOUT
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        levels = [[part.flatten(0, 1) for part in parts] for parts in self.parts(images)]
        scores, boxes, points = zip(*levels)
        return [*(score.sigmoid() for score in scores), *boxes, *points]

    def parts(self, images: Tensor) -> list[list[Tensor]]:
        """Scores before their sigmoid, distances above 0 to a box's sides, offsets of points: each `[B, rows, …]`."""
        features = self.stem(images)
        levels = []
        for down in self.down:
            features = down(features)
            levels.append(features)
        found = []
        for number, level in enumerate(levels[-len(STRIDES) :]):
            heads = self.heads[len(LAYOUT) * number : len(LAYOUT) * (number + 1)]
            maps = [head(level).permute(0, 2, 3, 1) for head in heads]
            score, box, points = (part.reshape(len(images), -1, numbers) for part, numbers in zip(maps, LAYOUT))
            found.append([score, F.softplus(box), points])
        return found


class Batches:
    """Draws disturbed faces `[B, 3, 64, 64]`; where there is one, `[B]`; their boxes `[B, 4]`, points `[B, 5, 2]`."""

    def __init__(self, split: Path):
        self.data = FaceData(split)

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        index = torch.randint(len(self.data), (size,), generator=generator)
        images, maps = moved(self.data.images(index), self.data.maps(index), generator)
        points = [face_points(face_map) for face_map in maps]
        there = torch.tensor([found is not None for found in points])
        boxes = [part_boxes(face_map).get("face", torch.zeros(4)) for face_map in maps]
        nowhere = torch.zeros(POINTS, 2)
        return (
            disturb(images, generator),
            there,
            torch.stack(boxes),
            torch.stack([nowhere if found is None else found for found in points]),
        )


def landmark_loss(network: SmallSCRFD, batches: Batches) -> Callable[[int, torch.Generator], Tensor]:
    """Quality focal loss of the scores, generalised overlap of the boxes, smooth L1 of the points by the box's side."""

    def loss(size: int, generator: torch.Generator) -> Tensor:
        images, there, boxes, points = batches(size, generator)
        logits, found = candidates(network, images)
        sides = (boxes[:, 2:] - boxes[:, :2]).amax(1).clamp(min=1)
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        near = (found.centres - middles[:, None]).abs().amax(-1) < NEAR * sides[:, None]
        picture, anchor = (near & there[:, None]).nonzero(as_tuple=True)
        box_loss = generalized_box_iou_loss(found.boxes[picture, anchor], boxes[picture], reduction="none")
        quality = torch.zeros_like(logits)
        quality[picture, anchor] = (1 - box_loss.detach()).clamp(0, 1)
        misfit = (quality - logits.sigmoid()).detach().square()
        score_loss = misfit * F.binary_cross_entropy_with_logits(logits, quality, reduction="none")
        shares = (found.points[picture, anchor] - points[picture]) / sides[picture, None, None]
        point_loss = F.smooth_l1_loss(shares, torch.zeros_like(shares), beta=0.02)
        return score_loss.sum() / max(len(picture), 1) + box_loss.mean() + 10 * point_loss

    return loss


def candidates(network: SmallSCRFD, images: Tensor) -> tuple[Tensor, Candidates]:
    """Scores before their sigmoid `[B, A]`, and what the anchors say of pictures `[B, 3, 64, 64]` in [0, 1]."""
    levels = network.parts(2 * images - 1)
    logits = torch.cat([score for score, _, _ in levels], 1)[..., 0]
    each = [decoded([part[number] for parts in levels for part in parts], SIDE) for number in range(len(images))]
    boxes, points = (torch.stack([getattr(one, name) for one in each]) for name in ("boxes", "points"))
    return logits, Candidates(each[0].centres, logits.sigmoid(), boxes, points)


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=20, batch_size=32, peak=2e-3)
    network = SmallSCRFD()
    seen = train(network, landmark_loss(network, Batches(options.data / "train")), run)
    path = run.folder / "faces_scrfd.onnx"
    onnx.save(onnx_model(network, torch.zeros(1, 3, SIDE, SIDE), "faces"), path)
    print(f"{seen} samples, written to {path}")


if __name__ == "__main__":
    main()
