"""Colorizing: the picture must be as light and dark as a grey one."""

from tools.templates.guided import TIME_AND_MEMORY, embedded, stable_diffusion
from tools.templates.layout import Node

EMBEDDED = embedded(
    "Colorize with DSG",
    """## Colorize with DSG

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

STABLE_DIFFUSION = stable_diffusion(
    "Colorize with DSG",
    f"""## Colorize with DSG

Choose your checkpoint, your grey picture and a prompt that names its colours, then press **Run**. It may be in \
colour: only its luminance counts.

{TIME_AND_MEMORY}""",
    [
        [Node("image", "LoadImage", {"image": "example.png"}, height=330)],
        [Node("grey", "ImageRGBToYUV", {}, {"image": ("image", 0)}, title="Y is the luminance")],
    ],
    [Node("loss", "DSG_ColorizeLoss", {}, {"image": ("grey", 0)})],
    "a cheerful drawing of a girl with red hair and a blue dress on a green hill, evening sky",
    "colorized",
)

TEMPLATES = [EMBEDDED, STABLE_DIFFUSION]
