"""Inpainting: the picture must agree with the known pixels."""

from tools.templates.guided import FLUX_DEV, STABLE_DIFFUSION, STABLE_DIFFUSION_XL, Family, pretrained
from tools.templates.layout import Node, Template, note

# The front end shows a note's line breaks as they are (here, a line that ends in a backslash goes on), and its newer
# design shows code as blue on blue.
EMBEDDED_NOTE = """## Mask

Press **Run**. A miniature model that comes with the pack restores eight drawn faces, of which 70 % of the pixels are \
hidden, on a CPU.

*Mask Loss* says what the pictures must agree with, *DSG KSampler* steers the model there, and *Guidance Report* shows \
how it went.

**Try:** another *guidance_rate*, more *hidden* pixels in *Random Mask*, another *seed*, or bypass *Mask Loss* (select \
it, Ctrl + B) to see what the model draws by itself.
"""

EMBEDDED = Template(
    "02 Mask (CPU)",
    [245, 265, 240, 260, 270, 380],
    [
        [
            note(EMBEDDED_NOTE, 0, 120, span=5),
            Node("faces", "DSG_LoadEmbeddedFaces", {"first": 0, "count": 8}, top=245),
            Node("model", "DSG_LoadEmbeddedModel", {"model_name": "faces", "style": "any", "batch_size": 8}, top=705),
        ],
        [
            Node(
                "noisy",
                "ImageAddNoise",
                {"seed": 1, "strength": 0.05},
                {"image": ("faces", 0)},
                title="Add noise",
                top=245,
            ),
            Node("hide", "DSG_RandomMask", {"hidden": 0.7, "seed": 2}, {"image": ("faces", 0)}),
        ],
        [
            Node(
                "gray",
                "EmptyImage",
                {"width": 64, "height": 64, "batch_size": 8, "color": 8421504},
                title="Grey, to show",
                top=445,
            ),
            Node(
                "loss",
                "DSG_MaskLoss",
                {
                    "weight": 1.0,
                    "start_percent": 0.0,
                    "end_percent": 1.0,
                    "threshold": 0.5,
                    "restore_known": False,
                },
                {"conditioning": ("model", 1), "image": ("noisy", 0), "mask": ("hide", 0)},
                top=705,
            ),
        ],
        [
            Node(
                "known",
                "ImageCompositeMasked",
                {"x": 0, "y": 0, "resize_source": False},
                {"destination": ("noisy", 0), "source": ("gray", 0), "mask": ("hide", 0)},
                title="What is known",
                top=245,
            ),
            Node(
                "sampler",
                "DSG_KSampler",
                {
                    "seed": 0,
                    "steps": 20,
                    "cfg": 1.0,
                    "scheduler": "normal",
                    "denoise": 1.0,
                    "guidance_rate": 0.2,
                },
                {
                    "model": ("model", 0),
                    "positive": ("loss", 0),
                    "negative": ("model", 2),
                    "latent_image": ("model", 4),
                    "vae": ("model", 3),
                },
                top=705,
            ),
        ],
        [
            Node(
                "show_known",
                "PreviewImage",
                {},
                {"images": ("known", 0)},
                title="Known pixels",
                top=245,
                height=200,
            ),
            Node("decode", "VAEDecode", {}, {"samples": ("sampler", 0), "vae": ("model", 3)}, top=705),
            Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}, top=835),
        ],
        [
            Node(
                "save",
                "SaveImage",
                {"filename_prefix": "DSG/inpaint"},
                {"images": ("decode", 0)},
                title="Restored",
                top=245,
                height=200,
            ),
            Node("plot", "PreviewImage", {}, {"images": ("report", 0)}, title="The run", top=530, height=502),
        ],
    ],
    {
        "What is known: 30 % of the pixels, with noise": ["faces", "noisy", "hide", "gray", "known", "show_known"],
        "The run: the model is steered towards it": ["model", "loss", "sampler", "decode", "report"],
    },
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
            [Node("image", "LoadImage", {"image": "example.png"}, height=330)],
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
