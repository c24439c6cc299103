"""Face identity: the person on the picture is the one on the reference."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import faces

EMBEDDED = embedded(
    "07 Face",
    """## Face

Press **Run**. Eight drawn people are known by one picture each; the model draws each of them anew, with another \
expression, other clothes and another background. The face network comes with the pack.

**Try:** another *seed*, other people (*first*), or chain *Segmentation Loss* to say where everything is.
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})]],
    [
        Node(
            "loss",
            "DSG_FaceIDLoss",
            {"crop": "whole picture", "one_each": True},
            {"model": ("network", 0), "image": ("faces", 0)},
        )
    ],
    "face-id",
    steps=50,
    networks=[Node("network", "DSG_LoadFaceModel", {"model_name": "faces_irse.onnx"})],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "07 Face",
    """## Face

Choose a picture of the person and a prompt for a portrait, then press **Run**. insightface's networks are for \
**non-commercial research only**.

**Without a detector** (*none*), take a portrait with the face in the middle: both pictures are cropped there.
""",
    [[load_image("image")]],
    [Node("loss", "DSG_FaceIDLoss", {"end_percent": 0.8}, {"model": ("network", 0), "image": ("image", 0)})],
    "a portrait photograph of a person, face in the middle, soft light",
    "face-id",
    rate=0.1,
    networks=[faces("network")],
)

TEMPLATES = [EMBEDDED, SD15]
