"""Simple wishes: a colour at a place, and symmetry."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node

COLOR = Node("color", "DSG_ColorLoss", {"color": "gold", "end_percent": 0.8}, {"place": ("place", 0)})
SYMMETRY = Node("symmetry", "DSG_SymmetryLoss")


def place(side: int) -> list[list[Node]]:
    """A mask of the upper quarter, and its picture."""
    size = {"width": side, "height": side}
    return [
        [Node("black", "SolidMask", {"value": 0.0, **size}), Node("white", "SolidMask", {**size, "height": side // 4})],
        [
            Node("place", "MaskComposite", {"operation": "add"}, {"destination": ("black", 0), "source": ("white", 0)}),
            Node("shown", "MaskToImage", {}, {"mask": ("place", 0)}, title="The place"),
        ],
    ]


EMBEDDED = embedded(
    "14 Colour, symmetry",
    """## Colour and symmetry

Press **Run**. The model draws eight faces that are their own mirror images, with gold behind them at the top.

**Try:** another *color*, or a mask of your own as its *place*; an *Adjustment Loss* for brightness behind these.
""",
    place(64),
    [COLOR, SYMMETRY],
    "color",
    rate=0.1,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "14 Colour, symmetry",
    """## Colour and symmetry

Choose a prompt, then press **Run**. Instead of the two masks, paint one: *Load Image*, Open in \
MaskEditor.
""",
    place(512),
    [COLOR, SYMMETRY],
    "a cathedral at dawn, photograph",
    "color",
    rate=0.1,
)

TEMPLATES = [EMBEDDED, SD15]
