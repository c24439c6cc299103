"""Deblurring: the picture, blurred with a known kernel, must agree with a blurred one."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image

SMALL_BLUR = {"size": 9, "std": 1.5}
BLUR = {"size": 31, "std": 5.0}

EMBEDDED = embedded(
    "04 Deblur",
    """## Deblur

Press **Run**. Eight drawn faces are blurred, with noise; the model makes them sharp again. It is told the blur.

**Try:** *motion* in both nodes, another *std* in the loss than in the picture, or another *seed*.
""",
    [
        [Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})],
        [Node("blurred", "DSG_BlurPicture", SMALL_BLUR, {"image": ("faces", 0)})],
        [Node("noisy", "ImageAddNoise", {"seed": 1, "strength": 0.05}, {"image": ("blurred", 0)}, title="Add noise")],
    ],
    [Node("loss", "DSG_DeblurLoss", SMALL_BLUR | {"noise_level": 0.05}, {"image": ("noisy", 0)})],
    "deblurred",
    automatic=True,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "04 Deblur",
    """## Deblur

Choose your picture and a prompt, then press **Run**. If your picture is blurred already, bypass \
*Blur Picture* (Ctrl + B) and try kernels in *Deblur Loss*.
""",
    [
        [load_image("image")],
        [
            Node(
                "scaled",
                "ImageScale",
                {"upscale_method": "area", "width": 512, "height": 512, "crop": "center"},
                {"image": ("image", 0)},
                title="To the latent's size",
            ),
        ],
        [Node("blurred", "DSG_BlurPicture", BLUR, {"image": ("scaled", 0)})],
    ],
    [Node("loss", "DSG_DeblurLoss", BLUR, {"image": ("blurred", 0)})],
    "a cheerful drawing of a girl with yellow hair on a green hill, blue sky, sharp lines",
    "deblurred",
)

TEMPLATES = [EMBEDDED, SD15]
