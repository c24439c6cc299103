"""Landmarks: eyes, nose and mouth lie where a reference has them."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import faces, faces_of_the_pack

EMBEDDED = embedded(
    "12 Landmarks",
    """## Landmarks

Press **Run**. Of eight drawn faces only five points are taken: both eyes, the nose, both corners of the mouth. Other \
people come to lie as they do. The face detector comes with the pack.

**Try:** another *seed*, other people (*first*), or chain *FaceID Loss* to say whose face it is.
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})]],
    [Node("loss", "DSG_LandmarkLoss", {}, {"model": ("network", 0), "image": ("faces", 0)})],
    "landmarks",
    rate=0.1,
    networks=[faces_of_the_pack("network")],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "12 Landmarks",
    """## Landmarks

Choose a photograph of a face that lies as yours is to lie, and a prompt for a portrait, then press **Run**. \
insightface's networks are for **non-commercial research only**.

**Try:** chain *FaceID Loss* to say whose face it is; both take the same model.
""",
    [[load_image("image")]],
    [Node("loss", "DSG_LandmarkLoss", {"end_percent": 0.8}, {"model": ("network", 0), "image": ("image", 0)})],
    "a portrait photograph of an old sailor, soft light",
    "landmarks",
    rate=0.1,
    networks=[faces("network")],
)

TEMPLATES = [EMBEDDED, SD15]
