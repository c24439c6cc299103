"""Face identity: the person on the picture is the one on the reference."""

from tools.templates.guided import TIME_AND_MEMORY, embedded, stable_diffusion
from tools.templates.layout import Node

INSIGHTFACE = {"model_name": "buffalo_l/w600k_r50.onnx", "detector": "buffalo_l/det_10g.onnx"}

EMBEDDED = embedded(
    "FaceID with DSG",
    """## FaceID with DSG

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

STABLE_DIFFUSION = stable_diffusion(
    "FaceID with DSG",
    f"""## FaceID with DSG

Choose your checkpoint, insightface's face network and detector (*buffalo_l*: *w600k_r50.onnx* and *det_10g.onnx*; for \
non-commercial use), a picture of the person and a prompt for a portrait, then press **Run**.

**Without a detector** (*none*), take a portrait with the face in the middle: both pictures are cropped there.

{TIME_AND_MEMORY}""",
    [[Node("image", "LoadImage", {"image": "example.png"}, height=330)]],
    [Node("loss", "DSG_FaceIDLoss", {"end_percent": 0.8}, {"model": ("network", 0), "image": ("image", 0)})],
    "a portrait photograph of a person, face in the middle, soft light",
    "face-id",
    rate=0.1,
    networks=[Node("network", "DSG_LoadFaceModel", INSIGHTFACE)],
)

TEMPLATES = [EMBEDDED, STABLE_DIFFUSION]
