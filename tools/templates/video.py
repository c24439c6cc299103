"""Video: it begins with a picture and ends where it began. No video model comes with the pack."""

from tools.templates.guided import TIME_AND_MEMORY, embedded
from tools.templates.layout import Node, Template, load_image, note
from tools.templates.models import WAN, WAN_TEXT, WAN_VAE, files_note

SIDE, LENGTH, FRAMES_A_SECOND = 480, 33, 16
TEXT = f"""## Video

Choose the picture that the video begins with, and say in the prompt what moves, then press **Run**. *Mask Loss* holds \
the first frame to the picture (*Guided Frames*: *first*), *Loop Loss* lets the last frame meet the first. The model \
is a plain text-to-video model; only the frames that a loss looks at are decoded for it.

**Try:** *first, last* in *Guided Frames* and no *Loop Loss*: the video comes back to the picture. Few guided frames \
want a low *guidance_rate*.

{files_note((WAN, WAN_TEXT, WAN_VAE))}

{TIME_AND_MEMORY}"""

WIDTHS = [235, 240, 225, 225, 240, 265]
NOTE_HEIGHT, RUN = 270, 370
POSITIVE = "a girl with yellow hair waves on a green hill, the wind moves the grass"


def prompt(key: str, words: str, top: int | None = None) -> Node:
    title = f"{key.title()} prompt"
    return Node(key, "CLIPTextEncode", {"text": words}, {"clip": ("clip", 0)}, title, top, height=130)


ON_WAN = Template(
    "25 Video (Wan)",
    WIDTHS,
    [
        [
            note(TEXT, 0, NOTE_HEIGHT, span=5),
            Node("unet", "UNETLoader", {"unet_name": WAN.name}, files=(WAN,), top=RUN),
            Node("shifted", "ModelSamplingSD3", {"shift": 8.0}, {"model": ("unet", 0)}),
            Node("clip", "CLIPLoader", {"clip_name": WAN_TEXT.name, "type": "wan"}, files=(WAN_TEXT,)),
            Node("vae", "VAELoader", {"vae_name": WAN_VAE.name}, files=(WAN_VAE,)),
        ],
        [
            prompt("positive", POSITIVE, RUN),
            prompt("negative", "still, blurry, subtitles"),
            Node("latent", "EmptyHunyuanLatentVideo", {"width": SIDE, "height": SIDE, "length": LENGTH}),
        ],
        [
            load_image("image", title="The first frame", top=RUN),
        ],
        [
            Node(
                "mask",
                "DSG_MaskLoss",
                {},
                {"conditioning": ("positive", 0), "image": ("image", 0)},
                top=RUN,
            ),
            Node("first", "DSG_GuidedFrames", {"frames": "first"}, {"conditioning": ("mask", 0)}),
            Node("loop", "DSG_LoopLoss", {}, {"conditioning": ("first", 0)}),
        ],
        [
            Node(
                "sampler",
                "DSG_KSampler",
                {"steps": 30, "cfg": 6.0, "scheduler": "simple", "guidance_rate": 0.1},
                {
                    "model": ("shifted", 0),
                    "positive": ("loop", 0),
                    "negative": ("negative", 0),
                    "latent_image": ("latent", 0),
                    "vae": ("vae", 0),
                },
                top=RUN,
            ),
        ],
        [
            Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}, top=0),
            Node("plot", "PreviewImage", {}, {"images": ("report", 0)}, title="The run", height=260),
            Node("decode", "VAEDecode", {}, {"samples": ("sampler", 0), "vae": ("vae", 0)}),
            Node("video", "CreateVideo", {"fps": float(FRAMES_A_SECOND)}, {"images": ("decode", 0)}),
            Node(
                "save",
                "SaveVideo",
                {"filename_prefix": "DSG/video"},
                {"video": ("video", 0)},
                title="Made",
                height=290,
            ),
        ],
    ],
    {
        "The model": ["unet", "shifted", "clip", "vae", "positive", "negative", "latent"],
        "What the video must satisfy": ["image", "mask", "first", "loop"],
    },
)

# The thumbnail's picture: nearly the one in the corner, as a video's second frame is.
FIRST = Node("faces", "DSG_LoadEmbeddedFaces", {"first": 5})
IDEA = embedded(
    "25 Video",
    "",
    [[Node("hide", "DSG_RandomMask", {"hidden": 0.9}, {"image": ("faces", 0)})], [FIRST]],
    [Node("loss", "DSG_MaskLoss", {}, {"image": ("faces", 0), "mask": ("hide", 0)})],
    "video",
)

TEMPLATES = [ON_WAN]
