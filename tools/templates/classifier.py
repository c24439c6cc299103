"""Classes: the picture shows what an image classifier knows."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import classifier

EMBEDDED = embedded(
    "20 Class",
    """## Class

Press **Run**. A small image classifier that comes with the pack knows the colours of hair. The faces get the one that \
is asked for.

**Try:** another of its *classes* (*black hair*, *blond hair*, *red hair* …), or two, with a comma between.
""",
    [],
    [Node("loss", "DSG_ClassifierLoss", {"classes": "blue hair"}, {"model": ("network", 0)})],
    "class",
    rate=0.05,
    networks=[Node("network", "DSG_LoadClassifier", {"model_name": "faces"})],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "20 Class",
    """## Class

Press **Run**. The prompt says *a bird*; a classifier of a thousand kinds of things says which one. All three files go \
into one folder.

**Try:** another class of ImageNet (*Load Classifier* lists them), a lower *guidance_rate*, or *end_percent* 0.6.
""",
    [],
    [
        Node(
            "loss",
            "DSG_ClassifierLoss",
            {"classes": "goldfinch", "start_percent": 0.2, "end_percent": 0.8},
            {"model": ("network", 0)},
        )
    ],
    "a photograph of a bird on a branch",
    "class",
    rate=0.1,
    networks=[classifier("network")],
)

TEMPLATES = [EMBEDDED, SD15]
