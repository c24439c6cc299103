"""Text: the picture fits a sentence, by a CLIP."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import clip

TEXT_HEIGHT = 270

EMBEDDED = embedded(
    "09 Text",
    """## Text

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

SD15 = pretrained(
    STABLE_DIFFUSION,
    "09 Text",
    """## Text

Press **Run**. The prompt says what to draw; *Text Loss* insists on what the model tends to forget.
""",
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
    networks=[clip("network")],
)

TEMPLATES = [EMBEDDED, SD15]
