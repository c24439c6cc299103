"""Pose: joints lie where a reference has them. No pose network comes with the pack."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import pose

SD15 = pretrained(
    STABLE_DIFFUSION,
    "18 Pose",
    """## Pose

Choose a picture of one person in the pose that you want, and a prompt that names a person, then press **Run**. Stick \
figures will not do. All three files go into one folder.

**Try:** a *person_mask* around one person of several; chain *Depth Loss*.
""",
    [[Node("image", "LoadImage", {"image": "example.png"}, height=330)]],
    [Node("loss", "DSG_PoseLoss", {"end_percent": 0.8}, {"model": ("network", 0), "image": ("image", 0)})],
    "a photograph of an astronaut on a meadow, full body",
    "pose",
    networks=[pose("network")],
)

# The thumbnail's picture: eyes, mouth and hair lie as on another, and a segmentation model finds them.
IDEA = embedded(
    "18 Pose",
    "",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8, "first": 8})]],
    [
        Node(
            "loss",
            "DSG_SegmentationLoss",
            {"classes": "eyes, mouth, hair"},
            {"model": ("network", 0), "image": ("faces", 0)},
        )
    ],
    "pose",
    steps=50,
    networks=[Node("network", "DSG_LoadSegmentationModel", {"model_name": "faces"})],
)

TEMPLATES = [SD15]
