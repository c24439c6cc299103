"""Object location: what is named lies where a mask is white. No object detector comes with the pack."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import detector


def box(side: int, left: int, top: int, width: int, height: int) -> list[list[Node]]:
    """The nodes of a mask that is white in a box, and what shows it."""
    return [
        [
            Node("all", "SolidMask", {"value": 0.0, "width": side, "height": side}, title="Elsewhere (black)"),
            Node("there", "SolidMask", {"value": 1.0, "width": width, "height": height}, title="The box (white)"),
        ],
        [
            Node(
                "mask",
                "MaskComposite",
                {"x": left, "y": top, "operation": "add"},
                {"destination": ("all", 0), "source": ("there", 0)},
                title="The box's place",
            )
        ],
        [Node("picture", "MaskToImage", {}, {"mask": ("mask", 0)}, title="To show")],
    ]


SD15 = pretrained(
    STABLE_DIFFUSION,
    "13 Objects",
    """## Objects

Press **Run**. The dog comes to sit where the mask is white. Name what is to be there in the prompt as well.

**A mask of your own:** add *Load Image*, paint in its MaskEditor (right-click) and connect its MASK to *Object Loss*.
""",
    box(512, 40, 176, 224, 304),
    [
        Node(
            "loss",
            "DSG_ObjectLoss",
            {"classes": "dog", "end_percent": 0.8},
            {"model": ("network", 0), "mask": ("mask", 0)},
        )
    ],
    "a photograph of a dog on a beach, sea and sky",
    "objects",
    networks=[detector("network")],
)

# The thumbnail's picture: glasses instead of a dog, which a segmentation model finds.
IDEA = embedded(
    "13 Objects",
    "",
    box(64, 14, 22, 36, 12),
    [Node("loss", "DSG_SegmentationLoss", {"classes": "glasses"}, {"model": ("network", 0), "mask": ("mask", 0)})],
    "objects",
    steps=50,
    networks=[Node("network", "DSG_LoadSegmentationModel", {"model_name": "faces"})],
)

TEMPLATES = [SD15]
