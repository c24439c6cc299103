"""Depth: near and far as on a reference."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import depth

EMBEDDED = embedded(
    "17 Depth",
    """## Depth

Press **Run**. Of eight drawn faces only the relief is taken: what lies over what. Other people get it. The depth \
network comes with the pack and knows drawn faces alone.

**Try:** another *seed*, other people (*first*), or a depth map (near light) on *depth_map*.
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})]],
    [Node("loss", "DSG_DepthLoss", {}, {"model": ("network", 0), "image": ("faces", 0)})],
    "depth",
    networks=[Node("network", "DSG_LoadDepthModel", {"model_name": "faces"})],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "17 Depth",
    """## Depth

Choose a picture whose depth you want, and a prompt for what is there, then press **Run**. All three files go into one \
folder.

**Try:** a depth map (near light) on *depth_map* instead of the picture.
""",
    [[load_image("image")]],
    [Node("loss", "DSG_DepthLoss", {"end_percent": 0.8}, {"model": ("network", 0), "image": ("image", 0)})],
    "a photograph of a castle on a hill, morning light",
    "depth",
    networks=[depth("network")],
)

TEMPLATES = [EMBEDDED, SD15]
