"""Seamless: the picture tiles."""

from tools.templates.guided import TIME_AND_MEMORY, embedded, stable_diffusion
from tools.templates.layout import Node

EMBEDDED = embedded(
    "Tile with DSG",
    """## Tile with DSG

Press **Run**. The model draws eight faces that tile: copies beside and below each other show no seam.

**Try:** another *seed*, or *tiles* in one direction alone, in *Seamless Loss* and in *Seamless VAE Decode*.
""",
    [],
    [Node("loss", "DSG_SeamlessLoss")],
    "tile",
    rate=0.05,
    tiles=True,
)

STABLE_DIFFUSION = stable_diffusion(
    "Tile with DSG",
    f"""## Tile with DSG

Choose your checkpoint and a prompt, then press **Run**. *Seamless Loss* and *Seamless VAE Decode* want the same \
*tiles*.

{TIME_AND_MEMORY}""",
    [],
    [Node("loss", "DSG_SeamlessLoss")],
    "mossy cobblestones seen from above, even light",
    "tile",
    rate=0.05,
    tiles=True,
)

TEMPLATES = [EMBEDDED, STABLE_DIFFUSION]
