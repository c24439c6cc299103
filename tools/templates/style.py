"""Style: the picture has the colours and strokes of a reference."""

from tools.templates.guided import TIME_AND_MEMORY, embedded, stable_diffusion
from tools.templates.layout import Node

EMBEDDED = embedded(
    "Style with DSG",
    """## Style with DSG

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

STABLE_DIFFUSION = stable_diffusion(
    "Style with DSG",
    f"""## Style with DSG

Choose your checkpoint, a CLIP of open_clip (*models/clip*, with its architecture) and a picture of the style, then \
press **Run**. The prompt says what to draw. The paper's settings: Gram matrices, guided between 30 % and \
70 % of the run.

{TIME_AND_MEMORY}""",
    [[Node("image", "LoadImage", {"image": "example.png"}, height=330)]],
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
    networks=[
        Node("network", "DSG_LoadCLIP", {"clip_name": "open_clip_vit_b_16.safetensors", "architecture": "ViT-B-16"}),
    ],
)

TEMPLATES = [EMBEDDED, STABLE_DIFFUSION]
