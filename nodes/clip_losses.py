"""Losses that look at the picture through a CLIP, or another vision transformer: style, similarity, text."""

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import (
    COMPARISONS,
    STYLE_DISTANCES,
    InputError,
    SimilarityLoss,
    StyleDescriptorLoss,
    StyleLoss,
    TextLoss,
    shown,
)
from ..guidance_losses.networks.clip import ClipNetwork
from ..guidance_losses.networks.csd import CsdNetwork
from ..host import LoadedNetwork, clip_vision_network
from .checks import image_from_host, place_from_host
from .inputs import place_input
from .loss_node import LossNode, LossSchema, MadeLoss
from .sockets import ClipSocket, CsdSocket

CSD = "CSD"  # the distance that looks through a network of its own


def chosen_layers(text: str, there: int) -> tuple[int, ...]:
    """Numbers of blocks in "3" or "2, 3"; -1 is the last, -2 the one before.

    Raises:
        InputError: in one sentence, if that is no list of blocks that the network has.
    """
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    layers = tuple(dict.fromkeys(there + 1 + number if number < 0 else number for number in numbers))
    if not layers or min(layers) < 1 or max(layers) > there:
        raise InputError(
            f"layers is {shown(text)}, and this network has the blocks 1 to {there}; write one or several of "
            "these numbers with commas between."
        )
    return layers


def network_inputs() -> list[io.Input]:
    """`clip` and `clip_vision`, of which one is connected."""
    return [
        ClipSocket.Input("clip", optional=True, tooltip="From Load CLIP (open_clip); or else clip_vision."),
        io.ClipVision.Input(
            "clip_vision", optional=True, tooltip="From the host's Load CLIP Vision: CLIP, SigLIP or DINO."
        ),
    ]


def chosen_network(clip: LoadedNetwork[ClipNetwork] | None, clip_vision: Any) -> LoadedNetwork:
    """The vision transformer that is connected.

    Raises:
        InputError: in one sentence, if there is none, or two, or it is no vision transformer.
    """
    if (clip is None) == (clip_vision is None):
        raise InputError("connect one network, either clip (Load CLIP) or clip_vision (Load CLIP Vision).")
    network = clip or clip_vision_network(clip_vision)
    if not network.module.layers:
        raise InputError("this CLIP's image tower is no vision transformer; choose a ViT.")
    return network


class StyleLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_StyleLoss",
            display_name="Style Loss",
            description="The picture must have the style of one or several reference pictures.",
            inputs=[
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
                    options=[*STYLE_DISTANCES, CSD],
                    default=STYLE_DISTANCES[0],
                    tooltip="log-Gram: strokes count as much as large surfaces. Gram, as in the papers: mostly the "
                    "colours of large surfaces. CSD: what that network, trained to know styles, says.",
                ),
            ],
            further_inputs=[
                *network_inputs(),
                CsdSocket.Input("csd", optional=True, tooltip="From Load CSD, for the distance CSD alone."),
            ],
        )

    @classmethod
    def make_loss(
        cls,
        image: Tensor,
        layers: str,
        distance: str,
        clip: LoadedNetwork[ClipNetwork] | None = None,
        clip_vision: Any = None,
        csd: LoadedNetwork[CsdNetwork] | None = None,
    ) -> MadeLoss:
        references = image_from_host(image)
        if csd is not None and distance == CSD and clip is None and clip_vision is None:
            return MadeLoss(StyleDescriptorLoss(csd.module, references), [csd.patcher])
        if csd is not None or distance == CSD:
            raise InputError("for the distance CSD connect csd (Load CSD) alone, and for the others leave it out.")
        network = chosen_network(clip, clip_vision)
        numbers = chosen_layers(layers, network.module.layers)
        return MadeLoss(StyleLoss(network.module, references, numbers, distance), [network.patcher])


class SimilarityLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_SimilarityLoss",
            display_name="Similarity Loss",
            description="The picture, or a place on it, must be like a reference in the eyes of DINOv2 or a CLIP.",
            inputs=[
                io.Image.Input("image", tooltip="The reference; one for all pictures, or one for each."),
                io.Combo.Input(
                    "compare",
                    options=list(COMPARISONS),
                    default=COMPARISONS[0],
                    tooltip="overall: what is there and how it looks, wherever it is. place by place: the layout too.",
                ),
                io.String.Input(
                    "layers",
                    default="-2",
                    tooltip="Blocks of the network, from 1, with commas between; -1 is the last, -2 the one before. "
                    "Deep blocks see things, shallow ones colours and strokes.",
                ),
            ],
            further_inputs=[*network_inputs(), place_input()],
        )

    @classmethod
    def make_loss(
        cls,
        image: Tensor,
        compare: str,
        layers: str,
        clip: LoadedNetwork[ClipNetwork] | None = None,
        clip_vision: Any = None,
        place: Tensor | None = None,
    ) -> MadeLoss:
        network = chosen_network(clip, clip_vision)
        numbers = chosen_layers(layers, network.module.layers)
        loss = SimilarityLoss(network.module, image_from_host(image), numbers, compare, place_from_host(place))
        return MadeLoss(loss, [network.patcher])


class TextLossNode(LossNode):
    @classmethod
    def define_loss(cls) -> LossSchema:
        return LossSchema(
            node_id="DSG_TextLoss",
            display_name="Text Loss",
            description="The picture must fit a sentence, by a CLIP; a supplement to the prompt, not its replacement.",
            inputs=[
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
            ],
        )

    @classmethod
    def make_loss(cls, clip: LoadedNetwork[ClipNetwork], text: str, negative: str, cut_outs: int) -> MadeLoss:
        if not text.strip():
            raise InputError("the text is empty; write what the picture is to show.")
        for sentence in (text, negative):
            clip.module.check_text(sentence)
        return MadeLoss(TextLoss(clip.module, text.strip(), negative.strip(), cut_outs), [clip.patcher])
