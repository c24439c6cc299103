"""Segmentation: the picture has its parts where a reference has them."""

from tools.templates.guided import TIME_AND_MEMORY, embedded, stable_diffusion
from tools.templates.layout import Node

EMBEDDED = embedded(
    "Segmentation with DSG",
    """## Segmentation with DSG

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

STABLE_DIFFUSION = stable_diffusion(
    "Segmentation with DSG",
    f"""## Segmentation with DSG

Choose your checkpoint, a segmentation model in *models/dsg/segmentation* (a Hugging Face folder with safetensors), a \
picture whose layout you want and a prompt, then press **Run**.

{TIME_AND_MEMORY}""",
    [[Node("image", "LoadImage", {"image": "example.png"}, height=330)]],
    [Node("loss", "DSG_SegmentationLoss", {}, {"model": ("network", 0), "image": ("image", 0)})],
    "a photograph of a woman on a meadow under a clear sky",
    "segmentation",
    networks=[
        Node("network", "DSG_LoadSegmentationModel", {"model_name": "segformer-b0-finetuned-ade-512-512"}),
    ],
)

TEMPLATES = [EMBEDDED, STABLE_DIFFUSION]
