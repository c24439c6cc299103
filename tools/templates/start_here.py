"""The first one to open: the same seed without guidance, with DPS and with DSG, side by side."""

from tools.templates.guided import EMBEDDED_MODEL
from tools.templates.layout import Node, Template, note

TEXT = """## Start here

Press **Run**. Of four drawn faces only 30 % of the pixels are known. The same model starts three times from the same \
noise:

- **Unguided:** the model draws somebody.
- **DPS:** plain guidance by the gradient.
- **DSG:** the same gradient, on the sphere where the model's own samples live.

*Mask Loss* says what the pictures must agree with; *DSG KSampler* is the host's KSampler, steered there.

**Try:** another *guidance_rate* or *hidden*, then the templates **02** and up. A model that comes with the pack is \
all it takes, on a CPU.
"""

WIDTHS = [225, 225, 240, 250, 250, 250]
NOTE_HEIGHT, BELOW_NOTE = 220, 282
SAMPLER_HEIGHT = 540  # with its chart
FACES = 4
RUNS = {"unguided": "Unguided", "dps": "DPS", "dsg": "DSG"}
SHOWN = {"destination": ("faces", 0), "source": ("grey", 0), "mask": ("hide", 0)}
ASKED = {"conditioning": ("model", 1), "image": ("faces", 0), "mask": ("hide", 0)}
LARGE = {"upscale_method": "nearest-exact", "scale_by": 4.0}
GREY = {"width": 64, "height": 64, "batch_size": FACES, "color": 8421504}


def run(key: str) -> list[Node]:
    """One of the runs, from above to below: sampler, decoder, pictures."""
    sources = {"model": ("model", 0), "positive": ("loss", 0), "negative": ("model", 2), "latent_image": ("model", 4)}
    others = {"unguided": {"positive": ("model", 1)}, "dps": {"method": ("method", 0)}}
    links = sources | {"vae": ("model", 3)} | others.get(key, {})
    title, decoded, large = RUNS[key], f"{key}_decode", f"{key}_large"
    file = {"filename_prefix": f"DSG/start-{key}"}
    return [
        Node(key, "DSG_KSampler", {"guidance_rate": 0.2}, links, title=title, top=0, height=SAMPLER_HEIGHT),
        Node(decoded, "VAEDecode", {}, {"samples": (key, 0), "vae": ("model", 3)}, collapsed=True),
        Node(large, "ImageScaleBy", LARGE, {"image": (decoded, 0)}, title="Enlarge, to show", collapsed=True),
        Node(f"{key}_save", "SaveImage", file, {"images": (large, 0)}, title=f"{title}: made", height=240),
    ]


EMBEDDED = Template(
    "01 Start here (CPU)",
    WIDTHS,
    [
        [
            note(TEXT, 0, NOTE_HEIGHT, span=3),
            Node("faces", "DSG_LoadEmbeddedFaces", {"count": FACES}, top=BELOW_NOTE),
            Node("model", "DSG_LoadEmbeddedModel", {"model_name": EMBEDDED_MODEL, "batch_size": FACES}),
            Node("method", "DSG_GuidanceMethod", {"method": "DPS", "step_size": 10.0}, title="Guidance Method: DPS"),
        ],
        [
            Node("hide", "DSG_RandomMask", {"hidden": 0.7, "seed": 2}, {"image": ("faces", 0)}, top=BELOW_NOTE),
            Node("grey", "EmptyImage", GREY, title="Grey, to show"),
            Node("known", "ImageCompositeMasked", {}, SHOWN, title="What is known"),
        ],
        [
            Node(
                "known_large", "ImageScaleBy", LARGE, {"image": ("known", 0)}, title="Enlarge, to show", top=BELOW_NOTE
            ),
            Node("show", "PreviewImage", {}, {"images": ("known_large", 0)}, title="Known", height=230),
            Node("loss", "DSG_MaskLoss", {}, ASKED),
        ],
        *(run(key) for key in RUNS),
    ],
    {title: [key, f"{key}_decode", f"{key}_large", f"{key}_save"] for key, title in RUNS.items()},
)

TEMPLATES = [EMBEDDED]
