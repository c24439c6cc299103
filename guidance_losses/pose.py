"""Pose: a person's joints lie where they lie on a reference picture.

The distance is that with which such networks are trained (ViTPose: Xu et al., NeurIPS 2022, arXiv 2204.12484): the L2
norm of the difference of heatmaps, here to those of the reference. It has no peak to find and no temperature to set, is
zero for the reference itself, and pulls however far a joint is off: heat goes up where it belongs and down elsewhere.
Bansal et al., "Universal Guidance", 2023, arXiv 2302.07121, guide by a detector's training loss in the same way.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .face_alignment import box_around
from .input_error import InputError
from .loss import boxes_on_picture, norm, repeat_reference, resized_reference
from .networks.pose import PoseNetwork, Region

SURE = 0.3  # heat from which a keypoint is taken for there, as transformers and mmpose have it; at most 1
LINES = 96  # of a limb's half width in a picture's shorter side, as it is shown
# COCO's: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, each left and right
COCO_KEYPOINTS = 17
COCO_LIMBS = (
    *((0, 1), (0, 2), (1, 3), (2, 4), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10)),
    *((5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16)),
)


def surest_places(heat: Tensor, region: Region) -> tuple[Tensor, Tensor]:
    """In heatmaps `[B, K, h, w]` of a region: (x, y) in the pictures, `[B, K, 2]`, and which are sure, `[B, K]`."""
    rows, columns = heat.shape[-2:]
    most, where = heat.flatten(2).max(2)
    cells = torch.stack([where % columns, where // columns], dim=-1) + 0.5
    sides = cells.new_tensor([region.right - region.left, region.bottom - region.top])
    return cells * sides / cells.new_tensor([columns, rows]) + cells.new_tensor(region[:2]), most > SURE


@dataclass(frozen=True, eq=False)
class PoseLoss:
    """How far the picture's heatmaps are from the reference's, as a share of these; of the reference's sure keypoints.

    0: the same pose; 1: as far as no person at all; keypoints that are elsewhere count more than those that are not
    there. Keypoints that are hidden on the reference are free.

    Attributes:
        network: see `PoseNetwork`.
        reference: `[N, 3, H, W]` in [0, 1], N = 1 or one for each picture.
        person: `[1, 1, H, W]`, not all 0: white over the person, on the reference as on the picture. None: the person
            may be anywhere.
    """

    network: PoseNetwork
    reference: Tensor
    person: Tensor | None = None
    name: str = "pose"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """‖s ⊙ (h − h')‖ / ‖s ⊙ h'‖ per sample, where s is 1 for the sure keypoints and h' the reference's heat.

        Raises:
            InputError: in one sentence, if no keypoint of a reference is sure, or their number fits no batch.
        """
        region = self._region(height, width)
        reference = repeat_reference(self.reference, batch, "reference images").to(device)
        with torch.no_grad():
            wanted = self.network(resized_reference(reference, height, width), region)
        _, sure = surest_places(wanted, region)
        for number, found in enumerate(sure.any(1).tolist()):
            if not found:
                raise InputError(
                    f"the model sees no person on reference picture {number + 1}; take one with a clear person, or "
                    "paint white over the person in a person mask."
                )
        counts = sure[..., None, None].to(wanted)
        whole = norm(counts * wanted)
        return lambda images: norm(counts * (self.network(images, region) - wanted)) / whole

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures, with the keypoints that are sure, and limbs between them."""
        reference = resized_reference(self.reference.to(images.device), *images.shape[-2:])
        return self._drawn(reference), self._drawn(images)

    def _drawn(self, images: Tensor) -> Tensor:
        region = self._region(*images.shape[-2:])
        points, sure = surest_places(self.network(images, region), region)
        keypoints = points.shape[1]
        limbs = [(number, number) for number in range(keypoints)]
        limbs += COCO_LIMBS if keypoints == COCO_KEYPOINTS else ()
        starts, ends = torch.tensor(limbs, device=images.device).unbind(1)
        return with_lines(images, points[:, starts], points[:, ends], sure[:, starts] & sure[:, ends])

    def _region(self, height: int, width: int) -> Region:
        """What the network looks at on pictures of this size."""
        if self.person is None:
            return self.network.region(torch.tensor([0, 0, width, height]))
        return self.network.region(
            boxes_on_picture(box_around(self.person).float(), self.person.shape[-2:], height, width)
        )


def with_lines(images: Tensor, starts: Tensor, ends: Tensor, there: Tensor) -> Tensor:
    """Pictures `[B, 3, H, W]` with red lines from and to points `[B, L, 2]` (x, y in pixels), those that are there.

    Args:
        there: `[B, L]`.
    """
    height, width = images.shape[-2:]
    rows, columns = (torch.arange(length, device=images.device) + 0.5 for length in (height, width))
    radius = max(min(height, width) / LINES, 1)
    drawn = torch.zeros(len(images), height, width, dtype=torch.bool, device=images.device)
    for start, end, shown in zip(starts.unbind(1), ends.unbind(1), there.unbind(1)):
        x, y = (part[:, None, None] for part in start.unbind(1))
        along_x, along_y = (part[:, None, None] for part in (end - start).unbind(1))
        right, down = columns - x, rows[:, None] - y
        share = ((right * along_x + down * along_y) / (along_x**2 + along_y**2).clamp(min=1e-6)).clamp(0, 1)
        far = (right - share * along_x) ** 2 + (down - share * along_y) ** 2
        drawn |= (far <= radius**2) & shown[:, None, None]
    return torch.where(drawn[:, None], images.new_tensor([1, 0.1, 0.1]).view(3, 1, 1), images)
