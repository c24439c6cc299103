"""The files that the templates name: where each is published, where it goes, its size and its licence.

The front end offers a missing file for download if it is named in its loader's properties, comes from Hugging Face and
is a safetensors file. All are linked in the template's note. Addresses are those that the host's own templates, or two
independent projects, give; so are the hashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import unquote

FRONT_END_HOSTS = ("https://huggingface.co/", "https://civitai.com/")
FRONT_END_ENDINGS = (".safetensors", ".sft")


@dataclass(frozen=True)
class ModelFile:
    """A published file.

    Attributes:
        name: as the loader's drop-down shows it.
        directory: the host's key of the folder, which is its path below the models folder unless `place` says it.
        sha256: of the file, where it is known.
    """

    name: str
    directory: str
    url: str
    size: str
    licence: str
    place: str = ""
    sha256: str = ""

    @property
    def is_offered(self) -> bool:
        """Whether every front end offers it for download."""
        return self.url.startswith(FRONT_END_HOSTS) and self.name.endswith(FRONT_END_ENDINGS)

    @property
    def properties(self) -> dict[str, str]:
        """The entry in a node's `properties.models`."""
        hashed = {"hash": self.sha256, "hash_type": "SHA256"} if self.sha256 else {}
        return {"name": self.name, "url": self.url, **hashed, "directory": self.directory}

    @property
    def folder(self) -> str:
        return self.place or self.directory


def files_note(files: Sequence[ModelFile]) -> str:
    """The part of a note that says what has to be there: links, sizes, licences and folders."""
    lines = ["**Files:**"]
    for (folder, licence), group in groupby(files, key=lambda file: (file.folder, file.licence)):
        links = ", ".join(f"[{unquote(file.url.rpartition('/')[2])}]({file.url}) ({file.size})" for file in group)
        lines.append(f"- {links}, {licence} → *models/{folder}*")
    return "\n".join(lines)


HUGGING_FACE = "https://huggingface.co"

SD15 = ModelFile(
    "v1-5-pruned-emaonly-fp16.safetensors",
    "checkpoints",
    f"{HUGGING_FACE}/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/v1-5-pruned-emaonly-fp16.safetensors",
    "2.1 GB",
    "CreativeML Open RAIL-M",
    sha256="e9476a13728cd75d8279f6ec8bad753a66a1957ca375a1464dc63b37db6e3916",
)
SDXL = ModelFile(
    "sd_xl_base_1.0.safetensors",
    "checkpoints",
    f"{HUGGING_FACE}/stabilityai/stable-diffusion-xl-base-1.0/resolve/main/sd_xl_base_1.0.safetensors",
    "6.9 GB",
    "CreativeML Open RAIL++-M",
    sha256="31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b",
)
FLUX = ModelFile(
    "flux1-dev-fp8.safetensors",
    "checkpoints",
    f"{HUGGING_FACE}/Comfy-Org/flux1-dev/resolve/main/flux1-dev-fp8.safetensors",
    "17.2 GB",
    "**non-commercial**",
    sha256="8e91b68084b53a7fc44ed2a3756d821e355ac1a7b6fe29be760c1db532f3d88a",
)
WAN_FILES = f"{HUGGING_FACE}/Comfy-Org/Wan_2.1_ComfyUI_repackaged/resolve/main/split_files"
WAN, WAN_TEXT, WAN_VAE = (
    ModelFile(name, directory, f"{WAN_FILES}/{directory}/{name}", size, "Apache 2.0", **known)
    for name, directory, size, known in (
        ("wan2.1_t2v_1.3B_fp16.safetensors", "diffusion_models", "2.8 GB", {}),
        (
            "umt5_xxl_fp8_e4m3fn_scaled.safetensors",
            "text_encoders",
            "6.7 GB",
            {"sha256": "c3355d30191f1f066b26d93fba017ae9809dce6c627dda5f6a66eaa651204f68"},
        ),
        (
            "wan_2.1_vae.safetensors",
            "vae",
            "0.3 GB",
            {"sha256": "2fc39d31359a4b0a64f55876d8ff7fa8d780956ae2cb13463b0223e15148976b"},
        ),
    )
)
CLIP = ModelFile(
    "open_clip_model.safetensors",
    "text_encoders",
    f"{HUGGING_FACE}/timm/vit_base_patch16_clip_224.openai/resolve/main/open_clip_model.safetensors",
    "0.6 GB",
    "MIT",
    sha256="4b8699299b1e8997753c64b052ba32031449d5d853f55a039148560ee02b820f",
)
LARGE_CLIP_NAME = "vit_large_patch14_clip_224.openai"
LARGE_CLIP = tuple(
    ModelFile(
        f"{LARGE_CLIP_NAME}/{file}",
        "dsg_clip",
        f"{HUGGING_FACE}/timm/{LARGE_CLIP_NAME}/resolve/main/{file}",
        size,
        "MIT",
        place=f"dsg/clip/{LARGE_CLIP_NAME}",
    )
    for file, size in (("open_clip_config.json", "1 kB"), ("open_clip_model.safetensors", "1.7 GB"))
)
AESTHETIC_HEAD = ModelFile(
    "sac+logos+ava1-l14-linearMSE.pth",
    "dsg_reward",
    "https://github.com/christophschuhmann/improved-aesthetic-predictor/raw/main/sac%2Blogos%2Bava1-l14-linearMSE.pth",
    "4 MB",
    "Apache 2.0",
    place="dsg/reward",
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
CLASSIFIER_NAME = "vit-base-patch16-224"
CLASSIFIER = tuple(
    ModelFile(
        f"{CLASSIFIER_NAME}/{file}",
        "dsg_classifier",
        f"{HUGGING_FACE}/google/{CLASSIFIER_NAME}/resolve/main/{file}",
        size,
        "Apache 2.0",
        place=f"dsg/classifier/{CLASSIFIER_NAME}",
    )
    for file, size in (("config.json", "70 kB"), ("preprocessor_config.json", "1 kB"), ("model.safetensors", "346 MB"))
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
