"""The part of a picture that a face network is to see: a face turned upright, or else a crop.

The five points of a face are brought onto those that ArcFace was trained with (Deng et al. 2019, arXiv 1801.07698) by
the similarity of least squares (Umeyama 1991, doi 10.1109/34.88573). The points carry no gradient; the picture does.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .networks.face_detector import FaceDetector
from .packages import needed_packages

# x and y of the eyes, the tip of the nose and the corners of the mouth on ArcFace's 112×112 pixels.
TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
TEMPLATE_SIDE = 112
LEAST_SPREAD = 1.0  # of five points, in pixels: the standard deviation below which they are no face
REFRESH = 5  # calls after which faces are looked for again

# FreeDoM's crop of a portrait as in CelebA-HQ: rows 35 to 223 and columns 32 to 220 of 256.
CROPS = {"whole picture": (0.0, 1.0, 0.0, 1.0), "portrait": (35 / 256, 223 / 256, 32 / 256, 220 / 256)}


def crop(images: Tensor, part: str) -> Tensor:
    """`[B, 3, H, W] → [B, 3, h, w]`: one of `CROPS`."""
    top, bottom, left, right = CROPS[part]
    height, width = images.shape[-2:]
    return images[..., round(top * height) : round(bottom * height), round(left * width) : round(right * width)]


def box_around(mask: Tensor) -> Tensor:
    """Left, top, right and bottom of what is white in a mask `[1, 1, H, W]`: `[4]`, in pixels."""
    rows, columns = (mask[0, 0] > 0.5).nonzero().unbind(1)
    return torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def boxed(images: Tensor, mask: Tensor) -> Tensor:
    """The part of pictures `[B, 3, H, W]` in the box around what is white in a mask `[1, 1, H, W]`."""
    left, top, right, bottom = box_around(mask).tolist()
    return images[..., top:bottom, left:right]


def template(side: int) -> Tensor:
    """Where the five points lie on an aligned face of side×side pixels: `[5, 2]`."""
    return (torch.tensor(TEMPLATE, dtype=torch.float64) + 0.5) * side / TEMPLATE_SIDE - 0.5


def similarity(points: Tensor, targets: Tensor) -> Tensor:
    """The turn, scale and shift [M | t] with the least Σ‖M·p + t − q‖², without mirroring: `[B, 2, 3]`.

    In two dimensions M = [[a, −b], [b, a]], and with points from their means a = Σ p·q / Σ‖p‖², b = Σ p×q / Σ‖p‖².

    Args:
        points: p, `[B, N, 2]`.
        targets: q, `[B, N, 2]` or `[N, 2]`.
    """
    before, after = points.mean(-2, keepdim=True), targets.mean(-2, keepdim=True)
    p, q = points - before, targets - after
    square = p.square().sum((-2, -1))
    a = (p * q).sum((-2, -1)) / square
    b = (p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]).sum(-1) / square
    matrix = torch.stack([torch.stack([a, -b], -1), torch.stack([b, a], -1)], -2)
    return torch.cat([matrix, (after - before @ matrix.mT).mT], dim=-1)


def aligned(images: Tensor, points: Tensor, side: int) -> Tensor:
    """Faces on pictures `[B, 3, H, W]`, their five points brought onto the template: `[B, 3, side, side]`.

    Args:
        points: `[B, 5, 2]`, x and y in pixels.
    """
    with needed_packages():
        from kornia.geometry.transform import warp_affine
    # A warp alone would leave out pixels where it shrinks, and these would get no gradient.
    fine = side * max(1, -(-max(images.shape[-2:]) // side))
    matrices = similarity(points, template(fine).to(points))
    faces = warp_affine(images, matrices.to(images), (fine, fine), align_corners=True)
    return F.interpolate(faces, (side, side), mode="bilinear", antialias=True)


class FaceViews:
    """Pictures `[B, 3, H, W]` → the faces on them, `[B, 3, side, side]`: aligned where one is found, else cropped.

    Faces are looked for in every `refresh`-th call, and taken to stay in between.
    """

    def __init__(self, detector: FaceDetector, part: str, side: int, refresh: int = REFRESH):
        self.detector, self.part, self.side, self.refresh = detector, part, side, refresh
        self.calls = 0

    def __call__(self, images: Tensor) -> Tensor:
        if self.calls % self.refresh == 0:
            self.found, self.points = find_points(self.detector, images)
        self.calls += 1
        faces = F.interpolate(crop(images, self.part), (self.side, self.side), mode="bilinear", antialias=True)
        if not self.found.any():
            return faces
        there = aligned(images[self.found], self.points[self.found], self.side)
        return faces.index_put((self.found,), there)


def find_points(detector: FaceDetector, images: Tensor, box: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Whether there is a face to align on each picture, `[B]`, and its five points, `[B, 5, 2]`.

    Args:
        box: `[4]`: the face that overlaps most with it; without, the surest one.
    """
    faces = detector.find(images, box)
    spread = faces.points.var(dim=1).sum(-1).sqrt()
    return faces.found & (spread > LEAST_SPREAD), faces.points
