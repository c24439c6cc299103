"""Simple wishes: brightness, contrast, sharpness."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node

EMBEDDED = embedded(
    "14 Brightness",
    """## Brightness

Press **Run**. The model draws eight bright faces; no filter makes them so afterwards.

**Try:** 0.3, for dark ones; *contrast* or *sharpness*; a mask as the *place* where it is measured.
""",
    [],
    [Node("loss", "DSG_AdjustmentLoss", {"what": "brightness", "value": 0.75})],
    "brightness",
    rate=0.05,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "14 Brightness",
    """## Brightness

Press **Run**. Stable Diffusion likes a medium brightness. Here night is as dark as you say: 0 is black, 1 white.
""",
    [],
    [Node("loss", "DSG_AdjustmentLoss", {"what": "brightness", "value": 0.12})],
    "a harbour at night, one lamp, photograph",
    "brightness",
    rate=0.05,
)

TEMPLATES = [EMBEDDED, SD15]
