"""Object location: what is named lies where a mask is white."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import detector, detector_of_the_pack


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


EMBEDDED = embedded(
    "13 Objects",
    """## Objects

Press **Run**. The drawn faces get glasses where the mask is white. The object detector comes with the pack; it knows \
*face, hair, clothes, eyes, mouth, glasses*.

**Try:** another box (*The box*, *The box's place*), or another of its *classes*.
""",
    box(64, 14, 22, 36, 12),
    [
        Node(
            "loss",
            "DSG_ObjectLoss",
            {"classes": "glasses", "end_percent": 0.5},
            {"model": ("network", 0), "mask": ("mask", 0)},
        )
    ],
    "objects",
    networks=[detector_of_the_pack("network")],
)

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

TEMPLATES = [EMBEDDED, SD15]
