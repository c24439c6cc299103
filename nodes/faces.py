"""Losses on faces: who is on the picture, and where eyes, nose and mouth are."""

from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import CROPS, NO_FACE, FaceIDLoss, LandmarkLoss
from .checks import image_from_host, mask_from_host
from .inputs import range_inputs, weight_input, where_input
from .loss_node import conditioning_input, conditioning_output, guided_by
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


def face_mask_from_host(mask: Tensor | None, references: Tensor, node: str) -> Tensor | None:
    """A mask for the one reference `[1, 3, H, W]`: `[1, 1, H, W]`.

    Raises:
        ValueError: in one sentence, if there are several references, or the mask shows nothing of this one.
    """
    if mask is None:
        return None
    mask = mask_from_host(mask, node)
    if len(references) != 1 or len(mask) != 1:
        raise ValueError(f"{node}: a face mask goes with one reference picture; give one, or leave the mask off.")
    if mask.shape[-2:] != references.shape[-2:]:
        raise ValueError(
            f"{node}: the face mask ({mask.shape[-1]}×{mask.shape[-2]}) and the reference "
            f"({references.shape[-1]}×{references.shape[-2]}) have different sizes; paint it on that picture."
        )
    if not (mask > 0.5).any():
        raise ValueError(f"{node}: the face mask is black everywhere; paint white over the face.")
    return mask


class FaceIDLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_FaceIDLoss",
            display_name="FaceID Loss",
            category="DSG/losses",
            description="The face on the picture must be that of the person on the reference.",
            inputs=[
                conditioning_input(),
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
                weight_input(),
                *range_inputs("this loss"),
                no_face_input(),
                face_mask_input(),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls,
        conditioning,
        model,
        image,
        crop,
        one_each,
        weight,
        start_percent,
        end_percent,
        no_face=NO_FACE[0],
        face_mask=None,
        where=None,
    ) -> io.NodeOutput:
        references = image_from_host(image, "FaceID Loss")
        face_mask = face_mask_from_host(face_mask, references, "FaceID Loss")
        networks = dict(model.module.items())
        loss = FaceIDLoss(
            networks["recogniser"], references, crop, one_each, face_mask, networks.get("detector"), no_face
        )
        return guided_by(loss, "FaceID Loss", conditioning, weight, start_percent, end_percent, where, [model.patcher])


class LandmarkLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_LandmarkLoss",
            display_name="Landmark Loss",
            category="DSG/losses",
            description="Eyes, nose and mouth must lie where they lie on the reference; whose they are stays open.",
            inputs=[
                conditioning_input(),
                FaceSocket.Input("model", tooltip="From Load Face Model, with a detector."),
                io.Image.Input("image", tooltip="A picture whose face lies as it is to lie; or one for each picture."),
                weight_input(),
                *range_inputs("this loss"),
                no_face_input(),
                face_mask_input(),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls,
        conditioning,
        model,
        image,
        weight,
        start_percent,
        end_percent,
        no_face=NO_FACE[0],
        face_mask=None,
        where=None,
    ) -> io.NodeOutput:
        if "detector" not in model.module:
            raise ValueError("Landmark Loss: this face model has no detector; choose one in Load Face Model.")
        reference = image_from_host(image, "Landmark Loss")
        face_mask = face_mask_from_host(face_mask, reference, "Landmark Loss")
        loss = LandmarkLoss(model.module["detector"], reference, face_mask, no_face)
        return guided_by(
            loss, "Landmark Loss", conditioning, weight, start_percent, end_percent, where, [model.patcher]
        )
