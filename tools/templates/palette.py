"""Palette: the picture has the colours of another one."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image

EMBEDDED = embedded(
    "11 Palette",
    """## Palette

Press **Run**. The model draws eight faces of its own in the colours of the eight that are given.

**Try:** another *seed* or *style*, or other people in *Load Embedded Faces*.
""",
    [[Node("reference", "DSG_LoadEmbeddedFaces", {"count": 8}, title="Whose colours")]],
    [Node("loss", "DSG_PaletteLoss", {}, {"image": ("reference", 0)})],
    "palette",
    rate=0.1,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "11 Palette",
    """## Palette

Choose a picture whose colours you like and a prompt, then press **Run**. How much there is of a \
colour counts too: crop the picture to what you want.
""",
    [[load_image("image", title="Whose colours")]],
    [Node("loss", "DSG_PaletteLoss", {}, {"image": ("image", 0)})],
    "a photograph of a harbour in the evening, boats, calm water",
    "palette",
    rate=0.1,
)

TEMPLATES = [EMBEDDED, SD15]
