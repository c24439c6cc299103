"""Text and segmentation: the picture fits a sentence, and has its parts where a reference has them."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import clip, segmentation
from tools.templates.text import TEXT_HEIGHT

EMBEDDED = embedded(
    "23 Text and parts",
    """## Text and segmentation

Press **Run**. A miniature CLIP reads a sentence, a miniature segmentation model finds the parts of eight drawn \
faces. The model draws eight others that fit the sentence and have their parts in the same places.

**Try:** another sentence ("a person in a red shirt"), other *weights*, or other *classes* ("hair, glasses").
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"first": 12, "count": 8})]],
    [
        Node("text", "DSG_TextLoss", {"text": "a person with pink hair"}, {"clip": ("clip", 0)}, height=TEXT_HEIGHT),
        Node("parts", "DSG_SegmentationLoss", {}, {"model": ("network", 0), "image": ("faces", 0)}),
    ],
    "text-and-segmentation",
    rate=0.1,
    steps=50,
    networks=[
        Node("clip", "DSG_LoadCLIP", {"clip_name": "faces"}),
        Node("network", "DSG_LoadSegmentationModel", {"model_name": "faces"}),
    ],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "23 Text and parts",
    """## Text and segmentation

Choose a picture whose layout you want, then press **Run**. *Text Loss* says what is there, *Segmentation Loss* where.
""",
    [[load_image("image")]],
    [
        Node(
            "text",
            "DSG_TextLoss",
            {"text": "a woman in a red dress on a meadow", "start_percent": 0.3, "end_percent": 0.7},
            {"clip": ("clip", 0)},
            height=TEXT_HEIGHT,
        ),
        Node("parts", "DSG_SegmentationLoss", {}, {"model": ("network", 0), "image": ("image", 0)}),
    ],
    "a photograph of a woman in a red dress on a meadow under a clear sky",
    "text-and-segmentation",
    networks=[clip("clip"), segmentation("network")],
)

TEMPLATES = [EMBEDDED, SD15]
