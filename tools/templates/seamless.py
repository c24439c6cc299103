"""Seamless: the picture tiles."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node

EMBEDDED = embedded(
    "15 Seamless tile",
    """## Seamless tile

Press **Run**. The model draws eight faces that tile: copies beside and below each other show no seam.

**Try:** another *seed*, or *tiles* in one direction alone, in *Seamless Loss* and in *Seamless VAE Decode*.
""",
    [],
    [Node("loss", "DSG_SeamlessLoss")],
    "tile",
    rate=0.05,
    tiles=True,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "15 Seamless tile",
    """## Seamless tile

Choose a prompt, then press **Run**. *Seamless Loss* and *Seamless VAE Decode* want the same \
*tiles*.
""",
    [],
    [Node("loss", "DSG_SeamlessLoss")],
    "mossy cobblestones seen from above, even light",
    "tile",
    rate=0.05,
    tiles=True,
)

TEMPLATES = [EMBEDDED, SD15]
