"""Style: the picture has the colours and strokes of a reference."""

from tools.templates.guided import FLUX_DEV, STABLE_DIFFUSION, STABLE_DIFFUSION_XL, Family, embedded, pretrained
from tools.templates.layout import Node, Template, load_image
from tools.templates.networks import clip

EMBEDDED = embedded(
    "08 Style",
    """## Style

Press **Run**. Eight faces are drawn as the one known picture is, with its strokes and its colours.

**Try:** another reference (*first*), several (*count*), or chain *Text Loss*.
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"first": 5})]],
    [Node("loss", "DSG_StyleLoss", {}, {"clip": ("network", 0), "image": ("faces", 0)})],
    "style",
    rate=0.1,
    steps=50,
    networks=[Node("network", "DSG_LoadCLIP", {"clip_name": "faces"})],
)


def on(family: Family) -> Template:
    """The paper's settings."""
    return pretrained(
        family,
        "08 Style",
        """## Style

Choose a picture of the style, then press **Run**. The prompt says what to draw. The paper's settings: Gram matrices, \
guided between 30 % and 70 % of the run.
""",
        [[load_image("image")]],
        [
            Node(
                "loss",
                "DSG_StyleLoss",
                {"distance": "Gram", "start_percent": 0.3, "end_percent": 0.7},
                {"clip": ("network", 0), "image": ("image", 0)},
            )
        ],
        "a lighthouse on a cliff",
        "style",
        rate=0.1,
        networks=[clip("network")],
    )


TEMPLATES = [EMBEDDED, *map(on, (STABLE_DIFFUSION, STABLE_DIFFUSION_XL, FLUX_DEV))]
