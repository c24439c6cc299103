"""Landmarks: eyes, nose and mouth lie where a reference has them. No face detector comes with the pack."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node
from tools.templates.networks import faces

SD15 = pretrained(
    STABLE_DIFFUSION,
    "12 Landmarks",
    """## Landmarks

Choose a photograph of a face that lies as yours is to lie, and a prompt for a portrait, then press **Run**. \
insightface's networks are for **non-commercial research only**.

**Try:** chain *FaceID Loss* to say whose face it is; both take the same model.
""",
    [[Node("image", "LoadImage", {"image": "example.png"}, height=330)]],
    [Node("loss", "DSG_LandmarkLoss", {"end_percent": 0.8}, {"model": ("network", 0), "image": ("image", 0)})],
    "a portrait photograph of an old sailor, soft light",
    "landmarks",
    rate=0.1,
    networks=[faces("network")],
)

# The thumbnail's picture: eyes and mouth alone are known, and a segmentation model finds them.
IDEA = embedded(
    "12 Landmarks",
    "",
    [
        [
            Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8}),
            Node("grey", "EmptyImage", {"width": 64, "height": 64, "batch_size": 8, "color": 8421504}),
        ],
        [
            Node(
                "features",
                "DSG_SegmentPicture",
                {"classes": "eyes, mouth"},
                {"model": ("network", 0), "image": ("faces", 0)},
            )
        ],
        [
            Node(
                "known",
                "ImageCompositeMasked",
                {},
                {"destination": ("grey", 0), "source": ("faces", 0), "mask": ("features", 1)},
            )
        ],
    ],
    [
        Node(
            "loss",
            "DSG_SegmentationLoss",
            {"classes": "eyes, mouth"},
            {"model": ("network", 0), "image": ("faces", 0)},
        )
    ],
    "landmarks",
    steps=50,
    networks=[Node("network", "DSG_LoadSegmentationModel", {"model_name": "faces"})],
)

TEMPLATES = [SD15]
