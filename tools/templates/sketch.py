"""Sketch: the picture's edges lie where a drawing has its lines."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image

LINES = {"low_threshold": 0.2, "high_threshold": 0.5}

EMBEDDED = embedded(
    "10 Sketch",
    """## Sketch

Press **Run**. Of eight drawn faces only the lines are known; the model makes other faces that have them.

**Try:** another *seed* or *style*, an *end_percent* of 0.6 in *Sketch Loss*, or a drawing of your own (dark on light).
""",
    [
        [Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})],
        [Node("canny", "Canny", LINES, {"image": ("faces", 0)}, title="Lines")],
    ],
    [Node("loss", "DSG_SketchLoss", {"lines": "light on dark"}, {"drawing": ("canny", 0)})],
    "sketch",
    rate=0.1,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "10 Sketch",
    """## Sketch

Choose a picture to take the lines from and a prompt, then press **Run**. A drawing of your own: \
connect it instead of *Canny*, and set *lines* to *dark on light*.
""",
    [
        [load_image("image")],
        [Node("canny", "Canny", LINES, {"image": ("image", 0)}, title="Lines")],
    ],
    [Node("loss", "DSG_SketchLoss", {"lines": "light on dark"}, {"drawing": ("canny", 0)})],
    "an oil painting of a girl on a hill, autumn light",
    "sketch",
    rate=0.1,
)

TEMPLATES = [EMBEDDED, SD15]
