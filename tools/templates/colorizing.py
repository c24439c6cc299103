"""Colorizing: the picture must be as light and dark as a grey one."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image

EMBEDDED = embedded(
    "05 Colorize",
    """## Colorize

Press **Run**. Of eight drawn faces only the light and dark is known; the model finds colours for them.

**Try:** another *seed* for other colours, or a *Colour Palette Loss* behind this one, which chooses them.
""",
    [
        [Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})],
        [Node("grey", "ImageRGBToYUV", {}, {"image": ("faces", 0)}, title="Y is the luminance")],
    ],
    [Node("loss", "DSG_ColorizeLoss", {}, {"image": ("grey", 0)})],
    "colorized",
    automatic=True,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "05 Colorize",
    """## Colorize

Choose your grey picture and a prompt that names its colours, then press **Run**. It may be in \
colour: only its luminance counts.
""",
    [
        [load_image("image")],
        [Node("grey", "ImageRGBToYUV", {}, {"image": ("image", 0)}, title="Y is the luminance")],
    ],
    [Node("loss", "DSG_ColorizeLoss", {}, {"image": ("grey", 0)})],
    "a cheerful drawing of a girl with red hair and a blue dress on a green hill, evening sky",
    "colorized",
)

TEMPLATES = [EMBEDDED, SD15]
