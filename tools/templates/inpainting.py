"""Inpainting: the picture must agree with the known pixels."""

from tools.templates.layout import Node, Template, note

# The front end shows a note's line breaks as they are (here, a line that ends in a backslash goes on), and its newer
# design shows code as blue on blue.
EMBEDDED_NOTE = """## Inpaint with DSG

Press **Run**. A miniature model that comes with the pack restores eight drawn faces, of which 70 % of the pixels are \
hidden, on a CPU.

*Mask Loss* says what the pictures must agree with, *DSG KSampler* steers the model there, and *Guidance Report* shows \
how it went.

**Try:** another *guidance_rate*, more *hidden* pixels in *Random Mask*, another *seed*, or bypass *Mask Loss* (select \
it, Ctrl + B) to see what the model draws by itself.
"""

SD_NOTE = """## Inpaint with DSG

Any Stable Diffusion checkpoint will do; it needs no inpainting training. What is white in the mask is made anew, the \
rest guides the sampler. Choose your checkpoint, your picture and your prompt, then press **Run**.

**A mask of your own:** paint it in the MaskEditor (right-click *Load Image*) and connect *Load Image*'s MASK to \
*Mask Loss*.

**Time and memory:** a guided step goes forward and backward through the model and the VAE: two to three times the \
time of a plain step, and several times its memory. Its *loss_decoder* input has cheaper ones than the VAE.
"""

INPAINT_EMBEDDED = Template(
    "Inpaint with DSG (embedded model, CPU)",
    [245, 265, 240, 260, 270, 380],
    [
        [
            note(EMBEDDED_NOTE, 0, 120, span=5),
            Node("faces", "DSG_LoadEmbeddedFaces", {"first": 0, "count": 8}, top=230),
            Node("model", "DSG_LoadEmbeddedModel", {"model_name": "faces", "style": "any", "batch_size": 8}, top=690),
        ],
        [
            Node(
                "noisy",
                "ImageAddNoise",
                {"seed": 1, "strength": 0.05},
                {"image": ("faces", 0)},
                title="Add noise",
                top=230,
            ),
            Node("hide", "DSG_RandomMask", {"hidden": 0.7, "seed": 2}, {"image": ("faces", 0)}),
        ],
        [
            Node(
                "gray",
                "EmptyImage",
                {"width": 64, "height": 64, "batch_size": 8, "color": 8421504},
                title="Grey, to show",
                top=430,
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
                top=690,
            ),
        ],
        [
            Node(
                "known",
                "ImageCompositeMasked",
                {"x": 0, "y": 0, "resize_source": False},
                {"destination": ("noisy", 0), "source": ("gray", 0), "mask": ("hide", 0)},
                title="What is known",
                top=230,
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
                top=690,
            ),
        ],
        [
            Node(
                "show_known",
                "PreviewImage",
                {},
                {"images": ("known", 0)},
                title="Known pixels",
                top=230,
                height=200,
            ),
            Node("decode", "VAEDecode", {}, {"samples": ("sampler", 0), "vae": ("model", 3)}, top=690),
            Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}, top=820),
        ],
        [
            Node(
                "save",
                "SaveImage",
                {"filename_prefix": "DSG/inpaint"},
                {"images": ("decode", 0)},
                title="Restored",
                top=230,
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

INPAINT_SD = Template(
    "Inpaint with DSG (Stable Diffusion)",
    [320, 280, 260, 270, 200, 370],
    [
        [
            Node("all", "SolidMask", {"value": 0.0, "width": 512, "height": 512}, title="Known (black)", top=0),
            Node("hole", "SolidMask", {"value": 1.0, "width": 192, "height": 192}, title="To make anew (white)"),
            Node("model", "CheckpointLoaderSimple", {"ckpt_name": "v1-5-pruned-emaonly-fp16.safetensors"}, top=660),
        ],
        [
            Node(
                "mask",
                "MaskComposite",
                {"x": 160, "y": 96, "operation": "add"},
                {"destination": ("all", 0), "source": ("hole", 0)},
                title="Mask",
                top=0,
            ),
            Node("image", "LoadImage", {"image": "example.png"}, height=354),
            Node(
                "positive",
                "CLIPTextEncode",
                {"text": "a cheerful drawing of a girl with yellow hair on a green hill, blue sky"},
                {"clip": ("model", 1)},
                title="Positive prompt",
                top=660,
                height=130,
            ),
            Node(
                "negative",
                "CLIPTextEncode",
                {"text": "text, watermark, blurry"},
                {"clip": ("model", 1)},
                title="Negative prompt",
                height=130,
            ),
        ],
        [
            note(SD_NOTE, -60, 160, span=3),
            Node(
                "loss",
                "DSG_MaskLoss",
                {
                    "weight": 1.0,
                    "start_percent": 0.0,
                    "end_percent": 1.0,
                    "threshold": 0.5,
                    "restore_known": True,
                },
                {"conditioning": ("positive", 0), "image": ("image", 0), "mask": ("mask", 0)},
                top=660,
            ),
            Node("latent", "EmptyLatentImage", {"width": 512, "height": 512, "batch_size": 1}),
        ],
        [
            Node(
                "sampler",
                "DSG_KSampler",
                {
                    "seed": 0,
                    "steps": 30,
                    "cfg": 5.0,
                    "scheduler": "normal",
                    "denoise": 1.0,
                    "guidance_rate": 0.2,
                },
                {
                    "model": ("model", 0),
                    "positive": ("loss", 0),
                    "negative": ("negative", 0),
                    "latent_image": ("latent", 0),
                    "vae": ("model", 2),
                },
                top=660,
            ),
        ],
        [
            Node("decode", "VAEDecode", {}, {"samples": ("sampler", 0), "vae": ("model", 2)}, top=660),
            Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}, top=790),
        ],
        [
            Node(
                "save",
                "SaveImage",
                {"filename_prefix": "DSG/inpaint"},
                {"images": ("decode", 0)},
                title="Restored",
                top=-60,
                height=480,
            ),
            Node("plot", "PreviewImage", {}, {"images": ("report", 0)}, title="The run", height=560),
        ],
    ],
    {
        "What is known: the picture, but for the hole": ["image", "all", "hole", "mask"],
        "The run: the model is steered towards it": [
            "model",
            "positive",
            "negative",
            "loss",
            "latent",
            "sampler",
            "decode",
            "report",
        ],
    },
)

TEMPLATES = [INPAINT_EMBEDDED, INPAINT_SD]
