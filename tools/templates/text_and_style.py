"""Text and style: the picture fits a sentence, and has the colours and strokes of a reference."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import clip
from tools.templates.text import TEXT_HEIGHT

EMBEDDED = embedded(
    "22 Text and style",
    """## Text and style

Press **Run**. The sentence asks for pink hair, the one known picture for its strokes and colours, and the model draws \
eight faces with both. Both losses look through the same miniature CLIP, and their *weights* share out the say.

**Try:** other weights, 50 *steps*, another sentence ("a person with glasses"), or another reference (*first*).
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"first": 5})]],
    [
        Node("text", "DSG_TextLoss", {"text": "a person with pink hair"}, {"clip": ("network", 0)}, height=TEXT_HEIGHT),
        Node("style", "DSG_StyleLoss", {}, {"clip": ("network", 0), "image": ("faces", 0)}),
    ],
    "text-and-style",
    rate=0.1,
    networks=[Node("network", "DSG_LoadCLIP", {"clip_name": "faces"})],
)

RANGE = {"start_percent": 0.3, "end_percent": 0.7}

SD15 = pretrained(
    STABLE_DIFFUSION,
    "22 Text and style",
    """## Text and style

Choose a picture of the style, then press **Run**. *Text Loss* insists on a \
sentence, *Style Loss* on the way of painting; their weights share out the say.
""",
    [[load_image("image")]],
    [
        Node(
            "text",
            "DSG_TextLoss",
            {"text": "a red bicycle in front of a lighthouse"} | RANGE,
            {"clip": ("network", 0)},
            height=TEXT_HEIGHT,
        ),
        Node(
            "style",
            "DSG_StyleLoss",
            {"distance": "Gram"} | RANGE,
            {"clip": ("network", 0), "image": ("image", 0)},
        ),
    ],
    "a lighthouse on a cliff, a red bicycle leans on it",
    "text-and-style",
    rate=0.1,
    networks=[clip("network")],
)

TEMPLATES = [EMBEDDED, SD15]
