"""Inpainting: the picture must agree with the known pixels."""

from tools.templates.guided import FLUX_DEV, STABLE_DIFFUSION, STABLE_DIFFUSION_XL, Family, embedded, pretrained
from tools.templates.layout import Node, Template, load_image

# The front end shows a note's line breaks as they are (here, a line that ends in a backslash goes on), and its newer
# design shows code as blue on blue.
EMBEDDED_NOTE = """## Mask

Press **Run**. A miniature model that comes with the pack restores eight drawn faces, of which 70 % of the pixels are \
hidden, on a CPU. *Mask Loss* says what the pictures must agree with, *DSG KSampler* steers the model there, and \
*Guidance Report* shows how it went.

**Try:** another *guidance_rate*, more *hidden* pixels in *Random Mask*, another *seed*, or bypass *Mask Loss* (select \
it, Ctrl + B) to see what the model draws by itself.
"""

GREY = {"width": 64, "height": 64, "batch_size": 8, "color": 8421504}
SHOWN = {"destination": ("noisy", 0), "source": ("grey", 0), "mask": ("hide", 0)}

EMBEDDED = embedded(
    "02 Mask",
    EMBEDDED_NOTE,
    [
        [Node("faces", "DSG_LoadEmbeddedFaces", {"count": 8}), Node("grey", "EmptyImage", GREY, title="Grey, to show")],
        [
            Node("noisy", "ImageAddNoise", {"seed": 1, "strength": 0.05}, {"image": ("faces", 0)}, title="Add noise"),
            Node("hide", "DSG_RandomMask", {"hidden": 0.7, "seed": 2}, {"image": ("faces", 0)}),
        ],
        [Node("known", "ImageCompositeMasked", {}, SHOWN, title="To show")],
    ],
    [Node("loss", "DSG_MaskLoss", {}, {"image": ("noisy", 0), "mask": ("hide", 0)})],
    "mask",
    model_name="faces",  # its figures are the benchmarks'
)


def on(family: Family) -> Template:
    """A hole of the example picture, made anew."""
    side = family.side
    return pretrained(
        family,
        "02 Mask",
        """## Mask

Choose your picture and a prompt, then press **Run**. What is white in the mask is made anew, the rest guides the \
sampler. The model needs no inpainting training. A mask of your own: paint it in the MaskEditor (right-click *Load \
Image*) and connect *Load Image*'s MASK to *Mask Loss*.
""",
        [
            [
                Node("all", "SolidMask", {"value": 0.0, "width": side, "height": side}, title="Known (black)"),
                Node(
                    "hole", "SolidMask", {"width": side * 3 // 8, "height": side * 3 // 8}, title="To make anew (white)"
                ),
            ],
            [
                Node(
                    "mask",
                    "MaskComposite",
                    {"x": side * 5 // 16, "y": side * 3 // 16, "operation": "add"},
                    {"destination": ("all", 0), "source": ("hole", 0)},
                    title="Mask",
                )
            ],
            [load_image("image")],
            [Node("shown", "MaskPreview", {}, {"mask": ("mask", 0)}, title="The mask", height=250)],
        ],
        [
            Node(
                "loss",
                "DSG_MaskLoss",
                {"restore_known": True},
                {"image": ("image", 0), "mask": ("mask", 0)},
            )
        ],
        "a cheerful drawing of a girl with yellow hair on a green hill, blue sky",
        "mask",
    )


TEMPLATES = [EMBEDDED, *map(on, (STABLE_DIFFUSION, STABLE_DIFFUSION_XL, FLUX_DEV))]
