"""Text and segmentation: the picture fits a sentence, and has its parts where a reference has them."""

from tools.templates.guided import TIME_AND_MEMORY, embedded, stable_diffusion
from tools.templates.layout import Node
from tools.templates.text import TEXT_HEIGHT

EMBEDDED = embedded(
    "Text and segmentation with DSG",
    """## Text and segmentation with DSG

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

STABLE_DIFFUSION = stable_diffusion(
    "Text and segmentation with DSG",
    f"""## Text and segmentation with DSG

Choose your checkpoint, a CLIP of open_clip (*models/clip*, with its architecture), a segmentation model in \
*models/dsg/segmentation* (a Hugging Face folder with safetensors) and a picture whose layout you want, then press \
**Run**. *Text Loss* says what is there, *Segmentation Loss* where.

{TIME_AND_MEMORY}""",
    [[Node("image", "LoadImage", {"image": "example.png"}, height=330)]],
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
    networks=[
        Node("clip", "DSG_LoadCLIP", {"clip_name": "open_clip_vit_b_16.safetensors", "architecture": "ViT-B-16"}),
        Node("network", "DSG_LoadSegmentationModel", {"model_name": "segformer-b0-finetuned-ade-512-512"}),
    ],
)

TEMPLATES = [EMBEDDED, STABLE_DIFFUSION]
