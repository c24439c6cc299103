"""QR code: the picture is read as one."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node

EMBEDDED = embedded(
    "16 QR code",
    """## QR code

Press **Run**. The model draws eight faces that a phone reads as the code of a text. Two pixels a module leave \
little of a face of 64 pixels: larger models have more room.

**Try:** another *text* of up to seven letters, less *contrast* in *QR Loss*.
""",
    [[Node("code", "DSG_QRCode", {"text": "dsg"})]],
    [Node("loss", "DSG_QRLoss", {"margin": 2}, {"code": ("code", 0)})],
    "qr",
    rate=0.5,
    method="MPGD",
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "16 QR code",
    """## QR code

Choose a text (short: its code has large modules) and a prompt, then press **Run**. Read the \
result with a phone before you print it.
""",
    [[Node("code", "DSG_QRCode", {"text": "EXAMPLE.ORG", "error_correction": "quartile (25 %)"})]],
    [Node("loss", "DSG_QRLoss", {"margin": 2}, {"code": ("code", 0)})],
    "a garden seen from above, paths and flower beds, sunlight",
    "qr",
    rate=0.5,
    method="MPGD",
)

TEMPLATES = [EMBEDDED, SD15]
