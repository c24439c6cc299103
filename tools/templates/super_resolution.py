"""Super-resolution: the picture, made small, must agree with a small one."""

from tools.templates.guided import STABLE_DIFFUSION, embedded, pretrained
from tools.templates.layout import Node, load_image

EMBEDDED = embedded(
    "03 Super-resolution",
    """## Super-resolution

Press **Run**. Eight drawn faces are made four times smaller, with noise; the model makes them large again.

**Try:** another *factor* in both nodes, another *seed* (other details fit the small picture too), or more noise.
""",
    [
        [Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8})],
        [Node("small", "DSG_ShrinkPicture", {}, {"image": ("faces", 0)})],
        [Node("noisy", "ImageAddNoise", {"seed": 1, "strength": 0.05}, {"image": ("small", 0)}, title="Add noise")],
    ],
    [Node("loss", "DSG_SuperResolutionLoss", {"noise_level": 0.05}, {"image": ("noisy", 0)})],
    "super-resolution",
    automatic=True,
)

SD15 = pretrained(
    STABLE_DIFFUSION,
    "03 Super-resolution",
    """## Super-resolution

Choose your small picture and a prompt that says what it shows, then press **Run**. The small \
picture is 128×128, the latent four times as large.
""",
    [
        [load_image("image")],
        [
            Node(
                "small",
                "ImageScale",
                {"upscale_method": "area", "width": 128, "height": 128, "crop": "center"},
                {"image": ("image", 0)},
                title="The small picture",
            ),
        ],
    ],
    [Node("loss", "DSG_SuperResolutionLoss", {"kernel": "area"}, {"image": ("small", 0)})],
    "a cheerful drawing of a girl with yellow hair on a green hill, blue sky, sharp lines",
    "super-resolution",
)

TEMPLATES = [EMBEDDED, SD15]
