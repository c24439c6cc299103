"""Face landmarks: eyes, nose and mouth lie where they lie on a reference picture.

Yu et al., "FreeDoM", ICCV 2023, arXiv 2303.09833, compare the points of a landmark network of their own. Here a face
detector is asked for them: the distance that its anchors expect, those counting that are sure of a face and near the
one wanted. That is differentiable in the points and in the scores, so a face can move, and can come to be.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .face_alignment import box_around
from .face_id import check_found
from .loss import boxes_on_picture, norm, repeat_reference, resized_reference
from .networks.face_detector import Candidates, FaceDetector

DISC = 64  # of these discs' radii in a picture's shorter side, as they are shown
LEAST = 1e-8  # of a squared score, so that it has a logarithm


def expected_distance(candidates: Candidates, boxes: Tensor, wanted: Tensor) -> Tensor:
    """Σ w_a·‖p_a − y‖ with w_a ∝ score_a²·exp(−‖c_a − c‖² / 2s²): `[B]`, in pixels.

    Args:
        candidates: scores, points p_a and centres c_a.
        boxes: around the faces wanted, `[B, 4]`: c is the middle, s the longer side.
        wanted: their points y, `[B, 5, 2]`.
    """
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).amax(1).clamp(min=1)
    far = (candidates.centres - middles[:, None]).square().sum(-1) / (2 * sides.square()[:, None])
    weights = torch.softmax((candidates.scores.square() + LEAST).log() - far, dim=1)
    distances = norm((candidates.points - wanted[:, None]).flatten(0, 1)).view_as(weights)
    return (weights * distances).sum(1)


@dataclass(frozen=True, eq=False)
class LandmarkLoss:
    """Distance between the five points of the face on the picture and on a reference.

    Attributes:
        detector: finds the five points.
        reference: `[N, 3, H, W]` in [0, 1], N = 1 or one for each picture.
        face_mask: `[1, 1, H, W]`: white over the face that counts on the reference. None: the surest one.
        no_face: what is done if there is no face on a reference: one of `face_id.NO_FACE`.
    """

    detector: FaceDetector
    reference: Tensor
    face_mask: Tensor | None = None
    no_face: str = "stop"
    name: str = "landmarks"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """The expected L2 norm of the five differences, as a share of the picture's longer side; 0 where skipped.

        Raises:
            InputError: in one sentence, if a reference has no face, or their number fits no batch.
        """
        repeat_reference(self.reference, batch, "reference images")
        reference = resized_reference(self.reference.to(device), height, width)
        box = None
        if self.face_mask is not None:
            box = box_around(self.face_mask.to(device)).to(reference)
            box = boxes_on_picture(box, self.face_mask.shape[-2:], height, width)
        faces = self.detector.find(reference, box)
        check_found(faces.found, self.no_face)
        found, boxes, wanted, sides = (part.expand(batch, *part.shape[1:]) for part in faces)

        def distances(images: Tensor) -> Tensor:
            rows = zip(images.split(1), boxes.split(1), wanted.split(1), sides.tolist())
            return torch.cat([expected_distance(self.detector(image, side), *face) for image, *face, side in rows])

        return lambda images: found * distances(images) / max(height, width)

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures, with the five points of the surest face on each."""
        reference = resized_reference(self.reference.to(images.device), *images.shape[-2:])
        return self._marked(reference), self._marked(images)

    def _marked(self, images: Tensor) -> Tensor:
        faces = self.detector.find(images)
        return with_points(images, faces.points, faces.found)


def with_points(images: Tensor, points: Tensor, there: Tensor) -> Tensor:
    """Pictures `[B, 3, H, W]` with red discs at points `[B, 5, 2]` (x, y in pixels), where there are any, `[B]`."""
    rows, columns = (torch.arange(length, device=images.device) for length in images.shape[-2:])
    far = (columns - points[..., :1, None]).square() + (rows[:, None] - points[..., 1:, None]).square()
    radius = max(min(images.shape[-2:]) / DISC, 1)
    disc = (far.amin(1, keepdim=True) <= radius**2) & there.view(-1, 1, 1, 1)
    return torch.where(disc, images.new_tensor([1, 0.1, 0.1]).view(3, 1, 1), images)
