"""Face detectors that users have: insightface's SCRFD with five points a face (det_10g.onnx, scrfd_10g_bnkps.onnx).

SCRFD: Guo et al. 2021, arXiv 2105.04714. At strides of 8, 16 and 32 pixels, two anchors at each place give a score, the
distances to the four sides of a box, and the offsets of five points, in units of the stride: both eyes, the tip of the
nose, both corners of the mouth, each pair from left to right as one sees the picture.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from .model_file import loader
from .onnx_file import check_packages, first_look, read_onnx, to_torch, with_known_operators
from .size_limits import LARGEST_SIDE

WANTED = "det_10g.onnx of insightface"
STRIDES = (8, 16, 32)
ANCHORS = 2  # at each place
POINTS = 5
LAYOUT = (1, 4, 2 * POINTS)  # numbers that an anchor gives as its score, its box and its points
SIDES = (640, 320)  # of the square that is looked at; a face that fills a picture is too large for the first one
SURE = 0.5  # the score above which insightface, too, takes an anchor for a face


class Candidates(NamedTuple):
    """What each of A anchors says of a picture, in the picture's pixels.

    centres: `[A, 2]`, x and y of the anchors themselves; scores: `[B, A]` in [0, 1]; boxes: `[B, A, 4]`, left, top,
    right, bottom; points: `[B, A, 5, 2]`, x and y.
    """

    centres: Tensor
    scores: Tensor
    boxes: Tensor
    points: Tensor


class FoundFaces(NamedTuple):
    """One face on each of B pictures, in the picture's pixels.

    found: `[B]`, whether there is one; boxes: `[B, 4]`; points: `[B, 5, 2]`, zeros where there is none; sides: `[B]`,
    the side at which each was found, for `FaceDetector.forward`.
    """

    found: Tensor
    boxes: Tensor
    points: Tensor
    sides: Tensor


class FaceDetector(nn.Module):
    """Finds faces, and the five points of each. Its weights take no gradient; the picture does.

    Args:
        network: one picture `[1, 3, side, side]`, RGB in about [−1, 1] → nine tensors `[rows, 1, 4 or 10]`.
        sides: the widths and heights to look at pictures with, in the order in which they are tried.
    """

    def __init__(self, network: nn.Module, sides: tuple[int, ...] = SIDES):
        super().__init__()
        self.network = network
        self.sides = sides
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor, side: int) -> Candidates:
        """Pictures `[B, 3, H, W]` in [0, 1] → what the anchors say. Differentiable in the pictures."""
        scale = side / max(images.shape[-2:])
        squares = (255 * letterboxed(images, side) - 127.5) / 128
        # One by one: in SCRFD's graph, pictures of one batch end up between each other's rows.
        candidates = [decoded(self.network(square[None]), side) for square in squares]
        scores, boxes, points = (torch.stack(part) for part in list(zip(*candidates))[1:])
        return Candidates(candidates[0].centres / scale, scores, boxes / scale, points / scale)

    @torch.no_grad()
    def find(self, images: Tensor, box: Tensor | None = None) -> FoundFaces:
        """The surest face on each picture `[B, 3, H, W]`, or the one that overlaps most with a box `[4]`."""
        faces = [self._find_one(image[None].clamp(0, 1), box) for image in images]
        return FoundFaces(*(torch.stack(part) for part in zip(*faces)))

    def _find_one(self, image: Tensor, box: Tensor | None) -> FoundFaces:
        """The same for one picture, without the dimension B."""
        for side in self.sides:
            _, (scores,), (boxes,), (points,) = self(image, side)
            value = torch.where(scores > SURE, scores if box is None else scores * overlap(boxes, box), 0)
            best = value.argmax()
            if value[best] > 0:
                return FoundFaces(value[best] > 0, boxes[best], points[best], torch.tensor(side))
        nowhere = torch.zeros_like(scores[0], dtype=torch.bool)
        return FoundFaces(nowhere, torch.zeros_like(boxes[0]), torch.zeros_like(points[0]), torch.tensor(side))


def letterboxed(images: Tensor, side: int) -> Tensor:
    """`[B, 3, H, W] → [B, 3, side, side]`: shrunk or enlarged, with black at the right or below."""
    height, width = images.shape[-2:]
    scale = side / max(height, width)
    height, width = (max(round(scale * length), 1) for length in (height, width))
    images = F.interpolate(images, (height, width), mode="bilinear", antialias=True)
    return F.pad(images, (0, side - width, 0, side - height))


def decoded(outputs: list[Tensor], side: int) -> Candidates:
    """What SCRFD's outputs for one picture `[1, 3, side, side]` mean, in its pixels; without the dimension B.

    Raises:
        InputError: if the outputs have another layout.
    """
    rows = [ANCHORS * (side // stride) ** 2 for stride in STRIDES]
    found = [[output.reshape(-1, width) for output in outputs if output.shape[-1] == width] for width in LAYOUT]
    found = [sorted(parts, key=len, reverse=True) for parts in found]
    if [[len(part) for part in parts] for parts in found] != [rows] * len(LAYOUT):
        raise InputError("its outputs are not scores, boxes and five points for two anchors at strides 8, 16 and 32")
    scores, distances, offsets = (torch.cat(parts) for parts in found)
    centres = torch.cat([anchor_centres(side, stride) for stride in STRIDES]).to(scores)
    strides = torch.tensor(STRIDES).repeat_interleave(torch.tensor(rows)).to(scores)[:, None]
    boxes = torch.cat([centres - strides * distances[:, :2], centres + strides * distances[:, 2:]], dim=1)
    points = centres[:, None] + strides[:, None] * offsets.view(-1, POINTS, 2)
    return Candidates(centres, scores[:, 0], boxes, points)


def anchor_centres(side: int, stride: int) -> Tensor:
    """x and y, row by row, each twice: `[2·places, 2]`."""
    line = stride * torch.arange(side // stride)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], dim=-1).view(-1, 2).repeat_interleave(ANCHORS, 0)


def overlap(boxes: Tensor, box: Tensor) -> Tensor:
    """Intersection over union of boxes `[A, 4]` with one `[4]`: `[A]`."""
    shared = (torch.minimum(boxes, box)[:, 2:] - torch.maximum(boxes, box)[:, :2]).clamp(min=0).prod(1)
    first, second = ((part[..., 2:] - part[..., :2]).clamp(min=0).prod(-1) for part in (boxes, box))
    return shared / (first + second - shared).clamp(min=torch.finfo(boxes.dtype).tiny)


@loader("a face detector")
def load_face_detector(path: Path) -> FaceDetector:
    """Read an SCRFD detector from an ONNX file; no file makes any code run.

    Raises:
        InputError: in one sentence, if the file is damaged or of another kind.
    """
    check_packages()
    if path.suffix != ".onnx":
        raise InputError("it is no .onnx file, as det_10g.onnx of insightface is")
    model = read_onnx(path, WANTED)
    sides = picture_sides(model.graph)
    detector = FaceDetector(to_torch(with_known_operators(model)), sides)
    check_anchors(detector)
    return detector


def picture_sides(graph: Any) -> tuple[int, ...]:
    """The sides of the squares that the graph can look at.

    Raises:
        InputError: if it is no detector with three outputs at each of three strides.
    """
    weights = {tensor.name for tensor in graph.initializer}
    pictures = [value for value in graph.input if value.name not in weights]
    if len(pictures) != 1 or len(graph.output) != len(LAYOUT) * len(STRIDES):
        raise InputError("it is no SCRFD detector with five points a face, which has one input and nine outputs")
    shape = [axis.dim_value for axis in pictures[0].type.tensor_type.shape.dim]
    if len(shape) != 4:
        raise InputError("it looks at no picture, [N, 3, H, W]")
    height, width = shape[2:]
    if height != width or height % max(STRIDES) or not 0 <= height <= LARGEST_SIDE:
        raise InputError(
            f"it looks at pictures of {width}×{height} pixels, not at squares of a multiple of 32 and of at most "
            f"{LARGEST_SIDE}"
        )
    return (height,) if height else SIDES


def check_anchors(detector: FaceDetector) -> None:
    """Raises InputError if a picture does not give what `decoded` reads."""
    side = detector.sides[-1]
    try:
        first_look(lambda: detector(torch.zeros(1, 3, side, side), side))
    except InputError:
        raise
    except Exception as error:  # each operator has its own
        raise InputError("it was made in a way that does not run here") from error
