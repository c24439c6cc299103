"""Losses on faces: who is on the picture, and where eyes, nose and mouth are."""

from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import CROPS, NO_FACE, FaceIDLoss, InputError, LandmarkLoss
from ..guidance_losses.networks.face_networks import FaceNetworks
from ..host import LoadedNetwork
from .checks import image_from_host, mask_from_host
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import FaceSocket


def face_mask_input() -> io.Input:
    return io.Mask.Input("face_mask", optional=True, tooltip="White over the face that counts on the reference.")


def no_face_input() -> io.Input:
    return io.Combo.Input(
        "no_face",
        options=list(NO_FACE),
        default=NO_FACE[0],
        optional=True,
        tooltip="If the detector finds no face on a reference: stop and say so, or skip that reference.",
    )


def face_mask_from_host(mask: Tensor | None, references: Tensor) -> Tensor | None:
    """A mask for the one reference `[1, 3, H, W]`: `[1, 1, H, W]`.

    Raises:
        InputError: in one sentence, if there are several references, or the mask shows nothing of this one.
    """
    if mask is None:
        return None
    mask = mask_from_host(mask)
    if len(references) != 1 or len(mask) != 1:
        raise InputError("a face mask goes with one reference picture; give one, or leave the mask off.")
    if mask.shape[-2:] != references.shape[-2:]:
        raise InputError(
            f"the face mask ({mask.shape[-1]}×{mask.shape[-2]}) and the reference "
            f"({references.shape[-1]}×{references.shape[-2]}) have different sizes; paint it on that picture."
        )
    if not (mask > 0.5).any():
        raise InputError("the face mask is black everywhere; paint white over the face.")
    return mask


class FaceIDLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_FaceIDLoss",
            display_name="FaceID Loss",
            description="The face on the picture must be that of the person on the reference.",
            inputs=[
                FaceSocket.Input("model", tooltip="From Load Face Model; with a detector, faces may lie anywhere."),
                io.Image.Input("image", tooltip="The person, on one picture or several as a batch."),
                io.Combo.Input(
                    "crop",
                    options=list(CROPS),
                    default="portrait",
                    tooltip="Where a face is that no detector finds, on reference and picture. portrait: in the "
                    "middle, as in CelebA-HQ.",
                ),
                io.Boolean.Input(
                    "one_each",
                    default=False,
                    tooltip="On: picture 1 shows the person on reference 1, and so on. Off: references are averaged.",
                ),
            ],
            further_inputs=[
                no_face_input(),
                face_mask_input(),
            ],
        )

    @classmethod
    def make_loss(
        cls,
        model: LoadedNetwork[FaceNetworks],
        image: Tensor,
        crop: str,
        one_each: bool,
        no_face: str = NO_FACE[0],
        face_mask: Tensor | None = None,
    ) -> MadeLoss:
        references = image_from_host(image)
        loss = FaceIDLoss(
            model.module.recogniser,
            references,
            crop,
            one_each,
            face_mask_from_host(face_mask, references),
            model.module.detector,
            no_face,
        )
        return MadeLoss(loss, [model.patcher])


class LandmarkLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_LandmarkLoss",
            display_name="Landmark Loss",
            description="Eyes, nose and mouth must lie where they lie on the reference; whose they are stays open.",
            inputs=[
                FaceSocket.Input("model", tooltip="From Load Face Model, with a detector."),
                io.Image.Input("image", tooltip="A picture whose face lies as it is to lie; or one for each picture."),
            ],
            further_inputs=[
                no_face_input(),
                face_mask_input(),
            ],
        )

    @classmethod
    def make_loss(
        cls,
        model: LoadedNetwork[FaceNetworks],
        image: Tensor,
        no_face: str = NO_FACE[0],
        face_mask: Tensor | None = None,
    ) -> MadeLoss:
        if model.module.detector is None:
            raise InputError("this face model has no detector; choose one in Load Face Model.")
        reference = image_from_host(image)
        face_mask = face_mask_from_host(face_mask, reference)
        return MadeLoss(LandmarkLoss(model.module.detector, reference, face_mask, no_face), [model.patcher])
