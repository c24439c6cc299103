"""The files that the templates name: where each is published, where it goes, its size and its licence.

The front end offers a missing file for download if it is named in its loader's properties, comes from Hugging Face and
is a safetensors file. All are linked in the template's note. Addresses are those that the host's own templates, or two
independent projects, give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

FRONT_END_HOSTS = ("https://huggingface.co/", "https://civitai.com/")
FRONT_END_ENDINGS = (".safetensors", ".sft")


@dataclass(frozen=True)
class ModelFile:
    """A published file.

    Attributes:
        name: as the loader's drop-down shows it.
        directory: the host's key of the folder, which is its path below the models folder unless `place` says it.
    """

    name: str
    directory: str
    url: str
    size: str
    licence: str
    place: str = ""

    @property
    def is_offered(self) -> bool:
        """Whether every front end offers it for download."""
        return self.url.startswith(FRONT_END_HOSTS) and self.name.endswith(FRONT_END_ENDINGS)

    @property
    def properties(self) -> dict[str, str]:
        """The entry in a node's `properties.models`."""
        return {"name": self.name, "url": self.url, "directory": self.directory}

    @property
    def folder(self) -> str:
        return self.place or self.directory


def files_note(files: Sequence[ModelFile]) -> str:
    """The part of a note that says what has to be there: links, sizes, licences and folders."""
    lines = ["**Files:**"]
    for (folder, licence), group in groupby(files, key=lambda file: (file.folder, file.licence)):
        links = ", ".join(f"[{file.url.rpartition('/')[2]}]({file.url}) ({file.size})" for file in group)
        lines.append(f"- {links}, {licence} → *models/{folder}*")
    return "\n".join(lines)


HUGGING_FACE = "https://huggingface.co"

SD15 = ModelFile(
    "v1-5-pruned-emaonly-fp16.safetensors",
    "checkpoints",
    f"{HUGGING_FACE}/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/v1-5-pruned-emaonly-fp16.safetensors",
    "2.1 GB",
    "CreativeML Open RAIL-M",
)
SDXL = ModelFile(
    "sd_xl_base_1.0.safetensors",
    "checkpoints",
    f"{HUGGING_FACE}/stabilityai/stable-diffusion-xl-base-1.0/resolve/main/sd_xl_base_1.0.safetensors",
    "6.9 GB",
    "CreativeML Open RAIL++-M",
)
FLUX = ModelFile(
    "flux1-dev-fp8.safetensors",
    "checkpoints",
    f"{HUGGING_FACE}/Comfy-Org/flux1-dev/resolve/main/flux1-dev-fp8.safetensors",
    "17.2 GB",
    "**non-commercial**",
)
WAN_FILES = f"{HUGGING_FACE}/Comfy-Org/Wan_2.1_ComfyUI_repackaged/resolve/main/split_files"
WAN, WAN_TEXT, WAN_VAE = (
    ModelFile(name, directory, f"{WAN_FILES}/{directory}/{name}", size, "Apache 2.0")
    for name, directory, size in (
        ("wan2.1_t2v_1.3B_fp16.safetensors", "diffusion_models", "2.8 GB"),
        ("umt5_xxl_fp8_e4m3fn_scaled.safetensors", "text_encoders", "6.7 GB"),
        ("wan_2.1_vae.safetensors", "vae", "0.3 GB"),
    )
)
CLIP = ModelFile(
    "open_clip_model.safetensors",
    "text_encoders",
    f"{HUGGING_FACE}/timm/vit_base_patch16_clip_224.openai/resolve/main/open_clip_model.safetensors",
    "0.6 GB",
    "MIT",
)
SEGFORMER_NAME = "segformer-b0-finetuned-ade-512-512"
SEGFORMER = tuple(
    ModelFile(
        f"{SEGFORMER_NAME}/{file}",
        "dsg_segmentation",
        f"{HUGGING_FACE}/nvidia/{SEGFORMER_NAME}/resolve/main/{file}",
        size,
        "**non-commercial**",
        place=f"dsg/segmentation/{SEGFORMER_NAME}",
    )
    for file, size in (("config.json", "7 kB"), ("model.safetensors", "15 MB"))
)
DEPTH_NAME = "Depth-Anything-V2-Small-hf"
DEPTH = tuple(
    ModelFile(
        f"{DEPTH_NAME}/{file}",
        "dsg_depth",
        f"{HUGGING_FACE}/depth-anything/{DEPTH_NAME}/resolve/main/{file}",
        size,
        "Apache 2.0",
        place=f"dsg/depth/{DEPTH_NAME}",
    )
    for file, size in (("config.json", "1 kB"), ("preprocessor_config.json", "1 kB"), ("model.safetensors", "99 MB"))
)
POSE_NAME = "vitpose-base-simple"
POSE = tuple(
    ModelFile(
        f"{POSE_NAME}/{file}",
        "dsg_pose",
        f"{HUGGING_FACE}/usyd-community/{POSE_NAME}/resolve/main/{file}",
        size,
        "Apache 2.0",
        place=f"dsg/pose/{POSE_NAME}",
    )
    for file, size in (("config.json", "2 kB"), ("preprocessor_config.json", "1 kB"), ("model.safetensors", "344 MB"))
)
INSIGHTFACE = tuple(
    ModelFile(
        f"buffalo_l/{file}",
        "dsg_face",
        f"{HUGGING_FACE}/public-data/insightface/resolve/main/models/buffalo_l/{file}",
        size,
        "**non-commercial research only**",
        place="insightface/models/buffalo_l",
    )
    for file, size in (("w600k_r50.onnx", "174 MB"), ("det_10g.onnx", "17 MB"))
)
DETECTOR = ModelFile(
    "fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth",
    "dsg_detection",
    "https://download.pytorch.org/models/fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth",
    "175 MB",
    "BSD 3-Clause",
    place="dsg/detection",
)
