"""Depth: near and far as on a reference. No depth network comes with the pack."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import depth

SD15 = pretrained(
    STABLE_DIFFUSION,
    "17 Depth",
    """## Depth

Choose a picture whose depth you want, and a prompt for what is there, then press **Run**. All three files go into one \
folder.

**Try:** a depth map (near light) on *depth_map* instead of the picture.
""",
    [[Node("image", "LoadImage", {"image": "example.png"}, height=330)]],
    [Node("loss", "DSG_DepthLoss", {"end_percent": 0.8}, {"model": ("network", 0), "image": ("image", 0)})],
    "a photograph of a castle on a hill, morning light",
    "depth",
    networks=[depth("network")],
)

# The thumbnail's picture: heads before a background, which a segmentation model finds.
IDEA = embedded(
    "17 Depth",
    "",
    [
        [Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})],
        [
            Node(
                "near",
                "DSG_SegmentPicture",
                {"classes": "skin, hair, eyes, mouth, glasses"},
                {"model": ("network", 0), "image": ("faces", 0)},
            )
        ],
        [Node("map", "MaskToImage", {}, {"mask": ("near", 1)})],
    ],
    [Node("loss", "DSG_SegmentationLoss", {}, {"model": ("network", 0), "image": ("faces", 0)})],
    "depth",
    steps=50,
    networks=[Node("network", "DSG_LoadSegmentationModel", {"model_name": "faces"})],
)

TEMPLATES = [SD15]
