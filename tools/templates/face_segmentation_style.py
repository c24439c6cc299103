"""Face, segmentation and style together: whose face it is, where its parts lie, and how it is drawn."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image
from tools.templates.networks import clip, faces, segmentation

NAME = "24 Face, parts, style"


def losses(face: dict, parts: dict, style: dict) -> list[Node]:
    """The three losses, with these widgets."""
    return [
        Node("identity", "DSG_FaceIDLoss", face, {"model": ("face", 0), "image": ("person", 0)}),
        Node("segments", "DSG_SegmentationLoss", parts, {"model": ("parts", 0), "image": ("layout", 0)}),
        Node("strokes", "DSG_StyleLoss", style, {"clip": ("clip", 0), "image": ("drawing", 0)}),
    ]


EMBEDDED = embedded(
    NAME,
    """## Face, segmentation and style

Press **Run**. Three losses share the say: the face is that of eight known people, eyes, mouth and hair lie as on \
another picture of them, and strokes and colours are those of a third one.

**Try:** other *weights*, another style (*first*), or bypass one of the losses (Ctrl + B).
""",
    [
        [Node("person", "DSG_LoadEmbeddedFaces", {"count": 8}, title="Whose face")],
        [Node("layout", "DSG_LoadEmbeddedFaces", {"count": 8, "picture": "second"}, title="Where its parts are")],
        [Node("drawing", "DSG_LoadEmbeddedFaces", {"first": 5}, title="Whose style")],
        [Node("show", "PreviewImage", {}, {"images": ("layout", 0)}, title="Where its parts are", height=250)],
    ],
    losses({"crop": "whole picture", "one_each": True}, {}, {"weight": 0.5}),
    "face-parts-style",
    rate=0.1,
    steps=50,
    networks=[
        Node("face", "DSG_LoadFaceModel", {"model_name": "faces_irse.onnx"}),
        Node("parts", "DSG_LoadSegmentationModel", {"model_name": "faces"}),
        Node("clip", "DSG_LoadCLIP", {"clip_name": "faces"}),
    ],
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    NAME,
    """## Face, segmentation and style

Choose a person, a picture whose layout you want and one of the style, then press **Run**. The *weights* of the three \
losses share out the say.
""",
    [
        [load_image("person", title="Whose face")],
        [load_image("layout", title="Where its parts are")],
        [load_image("drawing", title="Whose style")],
    ],
    losses({"end_percent": 0.8}, {}, {"distance": "Gram", "start_percent": 0.3, "end_percent": 0.7}),
    "a portrait of a person on a meadow under a clear sky",
    "face-parts-style",
    rate=0.1,
    networks=[segmentation("parts"), faces("face"), clip("clip")],
)

TEMPLATES = [EMBEDDED, SD15]
