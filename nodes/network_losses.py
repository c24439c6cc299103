"""Losses that look at the picture through a network: segmentation, style, text."""

import torch
from comfy_api.latest import io

from ..guidance_losses import SEGMENTATION_DISTANCES, STYLE_DISTANCES, SegmentationLoss, StyleLoss, TextLoss
from ..host import clip_vision_network
from .checks import class_number, image_from_host, mask_from_host
from .inputs import range_inputs, weight_input, where_input
from .loss_node import conditioning_input, conditioning_output, guided_by
from .sockets import ClipSocket, SegmentationSocket


def chosen_classes(text: str, labels: list[str], node: str) -> tuple[list[int], list[float]]:
    """Numbers and weights of the classes in "hair:2, skin", or of all.

    Raises:
        ValueError: in one sentence, for a class that the model does not have, or a weight that is no number above 0.
    """
    if text.strip().lower() in ("", "all"):
        return list(range(len(labels))), [1.0] * len(labels)
    weights: dict[int, float] = {}
    for part in text.split(","):
        name, _, weight = part.partition(":")
        number = class_number(name, dict(enumerate(labels)), node)
        try:
            value = float(weight or 1)
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise ValueError(f"{node}: {part.strip()!r} has no weight above 0 behind the colon; write hair:2.")
        weights[number] = value
    return list(weights), list(weights.values())


class SegmentationLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_SegmentationLoss",
            display_name="Segmentation Loss",
            category="DSG/losses",
            description="The picture must have its parts where a reference picture, or a mask, has them.",
            inputs=[
                conditioning_input(),
                SegmentationSocket.Input("model", tooltip="From Load Segmentation Model."),
                io.String.Input(
                    "classes",
                    default="all",
                    tooltip='Which classes count, with weights if you like: "hair:2, skin". The others count as one.',
                ),
                io.Combo.Input(
                    "distance",
                    options=list(SEGMENTATION_DISTANCES),
                    default=SEGMENTATION_DISTANCES[0],
                    tooltip="cross-entropy pulls hardest where the model is surest of something else.",
                ),
                weight_input(),
                *range_inputs("this loss"),
                io.Image.Input("image", optional=True, tooltip="A picture whose parts lie as they are to lie."),
                io.Mask.Input("mask", optional=True, tooltip="White where the one class named in classes is to be."),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls,
        conditioning,
        model,
        classes,
        distance,
        weight,
        start_percent,
        end_percent,
        image=None,
        mask=None,
        where=None,
    ) -> io.NodeOutput:
        if (image is None) == (mask is None):
            raise ValueError(
                "Segmentation Loss: connect either an image, whose parts are copied, or a mask for one class."
            )
        numbers, weights = chosen_classes(classes, model.module.labels, "Segmentation Loss")
        if mask is not None and len(numbers) != 1:
            raise ValueError(
                f"Segmentation Loss: a mask says where one class is to be, and classes names {len(numbers)}; name one "
                "(and chain a second node for another)."
            )
        loss = SegmentationLoss(
            model.module,
            torch.tensor(numbers),
            torch.tensor(weights),
            None if image is None else image_from_host(image, "Segmentation Loss"),
            None if mask is None else mask_from_host(mask, "Segmentation Loss").clamp(0, 1),
            distance,
        )
        return guided_by(
            loss, "Segmentation Loss", conditioning, weight, start_percent, end_percent, where, [model.patcher]
        )


def chosen_layers(text: str, there: int) -> tuple[int, ...]:
    """Numbers of blocks in "3" or "2, 3".

    Raises:
        ValueError: in one sentence, if that is no list of blocks that the network has.
    """
    try:
        layers = tuple(int(part) for part in text.split(","))
    except ValueError:
        layers = ()
    if not layers or min(layers) < 1 or max(layers) > there:
        raise ValueError(
            f"Style Loss: layers is {text!r}, and this network has the blocks 1 to {there}; write one or several of "
            "these numbers with commas between."
        )
    return layers


class StyleLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_StyleLoss",
            display_name="Style Loss",
            category="DSG/losses",
            description="The picture must have the style of one or several reference pictures.",
            inputs=[
                conditioning_input(),
                io.Image.Input(
                    "image", tooltip="A picture of the style, or several as a batch; their styles are averaged."
                ),
                io.String.Input(
                    "layers",
                    default="3",
                    tooltip="Blocks of the image tower, from 1, with commas between. The papers: 3 of ViT-B-16.",
                ),
                io.Combo.Input(
                    "distance",
                    options=list(STYLE_DISTANCES),
                    default=STYLE_DISTANCES[0],
                    tooltip="log-Gram: strokes count as much as large surfaces. Gram, as in the papers: mostly the "
                    "colours of large surfaces.",
                ),
                weight_input(),
                *range_inputs("this loss"),
                ClipSocket.Input("clip", optional=True, tooltip="From Load CLIP (open_clip); or else clip_vision."),
                io.ClipVision.Input(
                    "clip_vision", optional=True, tooltip="From the host's Load CLIP Vision: CLIP, SigLIP or DINO."
                ),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls,
        conditioning,
        image,
        layers,
        distance,
        weight,
        start_percent,
        end_percent,
        clip=None,
        clip_vision=None,
        where=None,
    ) -> io.NodeOutput:
        if (clip is None) == (clip_vision is None):
            raise ValueError(
                "Style Loss: connect one network, either clip (Load CLIP) or clip_vision (Load CLIP Vision)."
            )
        network = clip or clip_vision_network(clip_vision)
        if not network.module.layers:
            raise ValueError("Style Loss: this CLIP's image tower is no vision transformer; choose a ViT.")
        references = image_from_host(image, "Style Loss")
        loss = StyleLoss(network.module, references, chosen_layers(layers, network.module.layers), distance)
        return guided_by(loss, "Style Loss", conditioning, weight, start_percent, end_percent, where, [network.patcher])


class TextLossNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_TextLoss",
            display_name="Text Loss",
            category="DSG/losses",
            description="The picture must fit a sentence, by a CLIP; a supplement to the prompt, not its replacement.",
            inputs=[
                conditioning_input(),
                ClipSocket.Input("clip", tooltip="From Load CLIP (open_clip)."),
                io.String.Input("text", default="", multiline=True, tooltip="What the picture is to show."),
                io.String.Input("negative", default="", tooltip="What it is not to show; may be empty."),
                io.Int.Input(
                    "cut_outs",
                    default=4,
                    min=1,
                    max=64,
                    tooltip="Parts of the picture that CLIP looks at in each step. More are steadier and slower.",
                ),
                weight_input(),
                *range_inputs("this loss"),
                where_input(),
            ],
            outputs=[conditioning_output()],
        )

    @classmethod
    def execute(
        cls, conditioning, clip, text, negative, cut_outs, weight, start_percent, end_percent, where=None
    ) -> io.NodeOutput:
        if not text.strip():
            raise ValueError("Text Loss: the text is empty; write what the picture is to show.")
        for sentence in (text, negative):
            clip.module.check_text(sentence)
        loss = TextLoss(clip.module, text.strip(), negative.strip(), cut_outs)
        return guided_by(loss, "Text Loss", conditioning, weight, start_percent, end_percent, where, [clip.patcher])
