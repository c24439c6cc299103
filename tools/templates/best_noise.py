"""The best of several noises: tried for a few steps before the run."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import clip

TEXT_HEIGHT = 270
CHOICE = Node("best", "DSG_BestNoise", {"tries": 4, "try_steps": 5})

EMBEDDED = embedded(
    "21 Best of N",
    """## Best of N

Press **Run**. *DSG Best Noise* tries four noises for each picture, five steps each, and hands on the one that the \
loss likes best. The run itself is guided too.

**Try:** more *tries*; a *guidance_rate* of 0 in both nodes, so that the loss only chooses and pushes nothing.
""",
    [],
    [Node("loss", "DSG_TextLoss", {"text": "a person with glasses"}, {"clip": ("network", 0)}, height=TEXT_HEIGHT)],
    "best-of-n",
    rate=0.05,
    networks=[Node("network", "DSG_LoadCLIP", {"clip_name": "faces"})],
    choice=CHOICE,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "21 Best of N",
    """## Best of N

Press **Run**. Of four noises, tried for five steps each, the run begins with the one that fits the text best.
""",
    [],
    [Node("loss", "DSG_TextLoss", {"text": "two cats on a red sofa"}, {"clip": ("network", 0)}, height=TEXT_HEIGHT)],
    "two cats on a red sofa",
    "best-of-n",
    rate=0.05,
    networks=[clip("network")],
    choice=CHOICE,
)

TEMPLATES = [EMBEDDED, SD15]
