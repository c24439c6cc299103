"""A rate that changes over the run, in the host's custom sampling, and what the loss sees of the result."""

from tools.templates.guided import EMBEDDED_MODEL, KNOWN_HEIGHT, KNOWN_TITLE, NOTE_HEIGHT
from tools.templates.layout import GROUP_TOP, Node, Template, note

TEXT = """## Rate blend, custom sampling, Loss Preview

Press **Run**. *Guidance Rate Blend* begins with a large rate, for the layout, and ends with a small one, for the \
detail. *DSG Sampler* takes it into the host's custom sampling: any guider, any sigmas. *Loss Preview* shows what the \
loss asks for and what it sees on the finished pictures, with its value.

**Try:** the two rates the other way round, another *curve*, or an *interval* of 2: half of the steps are guided.
"""

WIDTHS = [225, 225, 230, 230, 225, 295]
FACES = 4
KNOWN, RUN = NOTE_HEIGHT + GROUP_TOP, NOTE_HEIGHT + GROUP_TOP + KNOWN_HEIGHT
SAMPLER_HEIGHT = 290  # with its chart
NETWORK = {"model_name": "faces"}
BLEND = {"start_rate": 0.3, "end_rate": 0.1, "curve": "cosine"}
REFERENCE = {"conditioning": ("model", 1), "model": ("network", 0), "image": ("faces", 0)}
GUIDED = {"model": ("model", 0), "positive": ("loss", 0), "negative": ("model", 2)}
SAMPLED = {
    "noise": ("noise", 0),
    "guider": ("guider", 0),
    "sampler": ("dsg", 0),
    "sigmas": ("sigmas", 0),
    "latent_image": ("model", 4),
}

EMBEDDED = Template(
    "26 Rate blend (CPU)",
    WIDTHS,
    [
        [
            note(TEXT, 0, NOTE_HEIGHT, span=5),
            Node("faces", "DSG_LoadEmbeddedFaces", {"count": FACES}, top=KNOWN),
            Node("model", "DSG_LoadEmbeddedModel", {"model_name": EMBEDDED_MODEL, "batch_size": FACES}, top=RUN),
        ],
        [
            Node("network", "DSG_LoadSegmentationModel", NETWORK, top=KNOWN),
            Node("noise", "RandomNoise", top=RUN),
            Node("sigmas", "BasicScheduler", {"scheduler": "normal", "steps": 20}, {"model": ("model", 0)}),
        ],
        [
            Node("show", "PreviewImage", {}, {"images": ("faces", 0)}, title="Known", top=KNOWN, height=250),
            Node("loss", "DSG_SegmentationLoss", {}, REFERENCE, top=RUN),
        ],
        [
            Node("rate", "DSG_GuidanceRateBlend", BLEND, top=KNOWN),
            Node("dsg", "DSG_Sampler", {}, {"vae": ("model", 3), "rate_blend": ("rate", 0)}, top=RUN),
        ],
        [
            Node("guider", "CFGGuider", {"cfg": 1.0}, GUIDED, top=KNOWN),
            Node("sampler", "SamplerCustomAdvanced", {}, SAMPLED, height=SAMPLER_HEIGHT),
            Node("decode", "VAEDecode", {}, {"samples": ("sampler", 0), "vae": ("model", 3)}),
            Node("look", "DSG_LossPreview", {}, {"conditioning": ("loss", 0), "image": ("decode", 0)}),
        ],
        [
            Node("save", "SaveImage", {"filename_prefix": "DSG/rate-blend"}, {"images": ("decode", 0)}, "Made", 0, 500),
            Node("seen", "PreviewImage", {}, {"images": ("look", 0)}, title="Asked and made", height=300),
        ],
    ],
    {
        KNOWN_TITLE: ["faces", "network", "show"],
        "The model, its loss, and how it samples": ["model", "noise", "sigmas", "loss", "dsg"],
    },
)

TEMPLATES = [EMBEDDED]
