"""Object location: what is to be where.

Bansal et al., "Universal Guidance for Diffusion Models", 2023, arXiv 2302.07121: the loss is that with which the
detector was trained, of the estimate with the boxes and classes that are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy import ndimage
from torch import Tensor

from .loss import boxes_on_picture
from .networks.object_detector import ObjectDetector

LINES = 128  # of a box's outline would fill the picture's shorter side
BOXES = ("one for each mask", "one for each white region")


def mask_boxes(mask: Tensor, boxes: str = BOXES[0]) -> Tensor:
    """The boxes around what is white: a mask `[H, W]` in [0, 1] → `[K, 4]`.

    A box is left, top, right and bottom, as shares of the mask's width and height. K is 0 for a black mask.

    Args:
        boxes: one of `BOXES`. Regions that touch, if only at a corner, are one.
    """
    white = (mask > 0.5).cpu().numpy()
    if boxes == BOXES[1]:
        white, _ = ndimage.label(white, structure=[[1, 1, 1]] * 3)
    found = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(white.astype(int))]
    height, width = mask.shape
    return torch.tensor(found, dtype=torch.float32).reshape(-1, 4) / torch.tensor([width, height, width, height])


@dataclass(frozen=True, eq=False)
class ObjectLoss:
    """How little a detector sees the objects that are asked for, where they are asked for, and no others.

    Attributes:
        network: the detector.
        boxes: `[K, 4]`: left, top, right, bottom as shares of width and height; the same for all pictures.
        classes: `[K]`, int64: the detector's number for what is in each box.
        size: height and width in pixels of the masks that the boxes are shares of. None: those of the picture.
    """

    network: ObjectDetector
    boxes: Tensor
    classes: Tensor
    size: tuple[int, int] | None = None
    name: str = "object location"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        boxes = self._boxes(height, width).to(device)
        classes = self.classes.to(device)
        return lambda images: torch.stack([self.network(image, boxes.to(image), classes) for image in images])

    def compared(self, images: Tensor) -> tuple[str, Tensor]:
        """The pictures, with the boxes that are asked for."""
        names = [self.network.labels[int(number)] for number in self.classes]
        return ", ".join(names), with_boxes(images, self._boxes(*images.shape[-2:]).to(images.device))

    def _boxes(self, height: int, width: int) -> Tensor:
        """In pixels of such a picture: `[K, 4]`."""
        rows, columns = self.size or (height, width)
        boxes = self.boxes * self.boxes.new_tensor([columns, rows, columns, rows])
        return boxes_on_picture(boxes, (rows, columns), height, width)


def with_boxes(images: Tensor, boxes: Tensor) -> Tensor:
    """Pictures `[B, 3, H, W]` with the outlines, in red, of boxes `[K, 4]` in pixels."""
    height, width = images.shape[-2:]
    line = max(min(height, width) // LINES, 1)
    rows, columns = torch.arange(height, device=images.device)[:, None], torch.arange(width, device=images.device)
    outline = torch.zeros(height, width, dtype=torch.bool, device=images.device)
    for left, top, right, bottom in boxes.round().tolist():
        whole, inner = (
            (columns >= left + edge) & (columns < right - edge) & (rows >= top + edge) & (rows < bottom - edge)
            for edge in (0, line)
        )
        outline |= whole & ~inner
    return torch.where(outline, images.new_tensor([1, 0.1, 0.1]).view(3, 1, 1), images)
