"""Similarity: the picture shows what a reference shows, in a network's eyes."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import clip

EMBEDDED = embedded(
    "19 Similarity",
    """## Similarity

Press **Run**. Eight faces become like the one known picture: its hair, its colours, and often its way of drawing.

**Try:** *compare* place by place, which keeps the layout; or another reference (*first*).
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"first": 5})]],
    [Node("loss", "DSG_SimilarityLoss", {}, {"clip": ("network", 0), "image": ("faces", 0)})],
    "similarity",
    rate=0.1,
    steps=50,
    networks=[Node("network", "DSG_LoadCLIP", {"clip_name": "faces"})],
)
ON_CHECKPOINT = pretrained(
    STABLE_DIFFUSION,
    "19 Similarity",
    """## Similarity

Choose a reference, then press **Run**. The prompt says what to draw; the picture becomes like the reference. With the \
host's *Load CLIP Vision* a DINOv2 can look instead (*clip_vision*).
""",
    [[load_image("image")]],
    [
        Node(
            "loss",
            "DSG_SimilarityLoss",
            {"start_percent": 0.2, "end_percent": 0.8},
            {"clip": ("network", 0), "image": ("image", 0)},
        )
    ],
    "a portrait of a person in a garden",
    "similarity",
    rate=0.1,
    networks=[clip("network")],
)
TEMPLATES = [EMBEDDED, ON_CHECKPOINT]
