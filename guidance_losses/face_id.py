"""Face identity: the person on the picture is the one on the reference.

Yu et al., "FreeDoM", ICCV 2023, arXiv 2303.09833; Yang et al., ICML 2024, arXiv 2402.03201: the distance of ArcFace's
embeddings (Deng et al. 2019, arXiv 1801.07698).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .face_alignment import FaceViews, aligned, box_around, boxed, crop, find_points
from .input_error import InputError
from .loss import norm
from .networks.face import FaceNetwork
from .networks.face_detector import FaceDetector

NO_FACE = ("stop", "skip")


def check_found(found: Tensor, no_face: str) -> None:
    """What is done about references without a face.

    Args:
        found: `[N]`, of each reference.
        no_face: one of `NO_FACE`: to stop, or to go on without them.

    Raises:
        InputError: in one sentence, if there is one without and the run is to stop.
    """
    if found.all():
        return
    numbers = ", ".join(str(number) for number, there in enumerate(found.tolist(), 1) if not there)
    if no_face == "stop":
        raise InputError(
            f"there is no face on reference picture {numbers}; take one with a clear face, or set no_face to skip."
        )
    logging.warning("DSG: there is no face on reference picture %s, which is skipped.", numbers)


@dataclass(frozen=True, eq=False)
class FaceIDLoss:
    """Distance between the embeddings of the face on the picture and of the person wanted.

    Attributes:
        network: faces of any size → embeddings of length 1.
        references: pictures of the person, `[N, 3, H, W]` in [0, 1]; the embeddings of all are averaged, or, with
            `one_each`, picture i is to show the person on reference i.
        crop: where a face is that no detector finds, on the references and on the picture: one of `CROPS`.
        one_each: whether each picture has a reference of its own.
        face_mask: `[1, 1, H, W]`: white over the face that counts on the references. Without a detector, the box around
            it is the face.
        detector: finds the faces, so that they are seen upright and as large as the network knows them.
        no_face: what is done if the detector finds no face on a reference: one of `NO_FACE`.
    """

    network: FaceNetwork
    references: Tensor
    crop: str = "whole picture"
    one_each: bool = False
    face_mask: Tensor | None = None
    detector: FaceDetector | None = None
    no_face: str = "stop"
    name: str = "face identity"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """The L2 norm of the difference of the embeddings, from 0 to 2, per sample; 0 where it is skipped.

        Raises:
            InputError: in one sentence, if there is to be one reference each and their number is another, or if a
                reference has no face.
        """
        if self.one_each and len(self.references) != batch:
            raise InputError(
                f"there are {len(self.references)} reference pictures for {batch} pictures; give one for "
                "each, or turn one_each off to average them."
            )
        with torch.no_grad():
            wanted, found = self._wanted(self.references.to(device))
        if not self.one_each:
            wanted, found = F.normalize(wanted.sum(0, keepdim=True)), found.any()
        if self.detector is None:
            return lambda images: norm(self.network(crop(images, self.crop)) - wanted)
        views = FaceViews(self.detector, self.crop, self.network.input_size)
        return lambda images: found * norm(self.network(views(images)) - wanted)

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The faces, as the network sees them."""
        side = self.network.input_size
        references = self.references.to(images.device)
        if self.detector is not None:
            views = FaceViews(self.detector, self.crop, side)
            return views(references), FaceViews(self.detector, self.crop, side)(images)
        faces = crop(references, self.crop) if self.face_mask is None else boxed(references, self.face_mask)
        return faces, crop(images, self.crop)

    def _wanted(self, references: Tensor) -> tuple[Tensor, Tensor]:
        """The embedding of each reference, `[N, D]`, and whether it has a face, `[N]`; zeros for one that has none."""
        mask = self.face_mask
        if self.detector is None:
            faces = crop(references, self.crop) if mask is None else boxed(references, mask)
            return self.network(faces), torch.ones(len(faces), dtype=torch.bool, device=faces.device)
        box = None if mask is None else box_around(mask.to(references.device))
        found, points = find_points(self.detector, references, box)
        check_found(found, self.no_face)
        side = self.network.input_size
        faces = references.new_zeros(len(references), 3, side, side)
        if found.any():
            faces[found] = aligned(references[found], points[found], side)
        return found[:, None] * self.network(faces), found
