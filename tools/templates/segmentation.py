"""Segmentation: the picture has its parts where a reference has them."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import segmentation

EMBEDDED = embedded(
    "06 Segmentation",
    """## Segmentation

Press **Run**. A miniature segmentation model finds hair, skin, clothes, eyes, mouth and glasses on eight drawn faces; \
the model draws other faces that have them in the same places.

**Try:** other *classes* ("hair, glasses"), another *seed*, or a mask for one class instead of the picture.
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})]],
    [Node("loss", "DSG_SegmentationLoss", {}, {"model": ("network", 0), "image": ("faces", 0)})],
    "segmentation",
    steps=50,
    networks=[Node("network", "DSG_LoadSegmentationModel", {"model_name": "faces"})],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "06 Segmentation",
    """## Segmentation

Choose a picture whose layout you want and a prompt, then press **Run**. Any segmentation model of Hugging Face that \
is a folder with *config.json* and safetensors will do; both files go into one folder.
""",
    [[load_image("image")]],
    [Node("loss", "DSG_SegmentationLoss", {}, {"model": ("network", 0), "image": ("image", 0)})],
    "a photograph of a woman on a meadow under a clear sky",
    "segmentation",
    networks=[segmentation("network")],
)

TEMPLATES = [EMBEDDED, SD15]
