"""Pose: joints lie where a reference has them."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import pose

EMBEDDED = embedded(
    "18 Pose",
    """## Pose

Press **Run**. The drawn people end at their shoulders: the keypoints of the pack's small ViTPose are both eyes, the \
nose and both corners of the mouth. They come to lie as on the references.

**Try:** another *seed*, other people (*first*), or chain *FaceID Loss* to say whose face it is.
""",
    [[Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8, "first": 8})]],
    [Node("loss", "DSG_PoseLoss", {}, {"model": ("network", 0), "image": ("faces", 0)})],
    "pose",
    rate=0.1,
    networks=[Node("network", "DSG_LoadPoseModel", {"model_name": "faces"})],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "18 Pose",
    """## Pose

Choose a picture of one person in the pose that you want, and a prompt that names a person, then press **Run**. Stick \
figures will not do. All three files go into one folder.

**Try:** a *person_mask* around one person of several; chain *Depth Loss*.
""",
    [[load_image("image")]],
    [Node("loss", "DSG_PoseLoss", {"end_percent": 0.8}, {"model": ("network", 0), "image": ("image", 0)})],
    "a photograph of an astronaut on a meadow, full body",
    "pose",
    networks=[pose("network")],
)

TEMPLATES = [EMBEDDED, SD15]
