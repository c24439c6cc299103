"""QR code: the picture is read as one."""

from tools.templates.guided import TIME_AND_MEMORY, embedded, stable_diffusion
from tools.templates.layout import Node

EMBEDDED = embedded(
    "QR code with DSG",
    """## QR code with DSG

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

STABLE_DIFFUSION = stable_diffusion(
    "QR code with DSG",
    f"""## QR code with DSG

Choose your checkpoint, a text (short: its code has large modules) and a prompt, then press **Run**. Read the \
result with a phone before you print it.

{TIME_AND_MEMORY}""",
    [[Node("code", "DSG_QRCode", {"text": "EXAMPLE.ORG", "error_correction": "quartile (25 %)"})]],
    [Node("loss", "DSG_QRLoss", {"margin": 2}, {"code": ("code", 0)})],
    "a garden seen from above, paths and flower beds, sunlight",
    "qr",
    rate=0.5,
    method="MPGD",
)

TEMPLATES = [EMBEDDED, STABLE_DIFFUSION]
