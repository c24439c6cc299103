"""Text: the picture fits a sentence, by a CLIP."""

from tools.templates.guided import TIME_AND_MEMORY, embedded, stable_diffusion
from tools.templates.layout import Node

TEXT_HEIGHT = 270

EMBEDDED = embedded(
    "Text with DSG",
    """## Text with DSG

Press **Run**. The miniature model knows no words, but a miniature CLIP does: it steers the model to what \
the sentence says.

**Try:** another sentence ("a person with glasses in a green shirt"), an *end_percent* of 0.7, or chain *Segmentation \
Loss* to say where everything is.
""",
    [],
    [Node("loss", "DSG_TextLoss", {"text": "a person with pink hair"}, {"clip": ("network", 0)}, height=TEXT_HEIGHT)],
    "text",
    rate=0.05,
    steps=50,
    networks=[Node("network", "DSG_LoadCLIP", {"clip_name": "faces"})],
)

STABLE_DIFFUSION = stable_diffusion(
    "Text with DSG",
    f"""## Text with DSG

Choose your checkpoint and a CLIP of open_clip (*models/clip*, with its architecture), then press **Run**. The prompt \
says what to draw; *Text Loss* insists on what the model tends to forget.

{TIME_AND_MEMORY}""",
    [],
    [
        Node(
            "loss",
            "DSG_TextLoss",
            {"text": "a red bicycle in front of a lighthouse", "start_percent": 0.3, "end_percent": 0.7},
            {"clip": ("network", 0)},
            height=TEXT_HEIGHT,
        )
    ],
    "a lighthouse on a cliff, a red bicycle leans on it",
    "text",
    rate=0.1,
    networks=[
        Node("network", "DSG_LoadCLIP", {"clip_name": "open_clip_vit_b_16.safetensors", "architecture": "ViT-B-16"}),
    ],
)

TEMPLATES = [EMBEDDED, STABLE_DIFFUSION]
