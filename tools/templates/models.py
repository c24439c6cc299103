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


def folder(kind: str, repository: str, licence: str, sizes: dict[str, str], sha256: str = "") -> tuple[ModelFile, ...]:
    """The files of a folder of Hugging Face's, which goes into `models/dsg/<kind>`.

    Args:
        repository: owner/name; the folder has that name.
        sizes: of each file.
        sha256: of the weights among them, where it is known.
    """
    name = repository.rpartition("/")[2]
    return tuple(
        ModelFile(
            f"{name}/{file}",
            f"dsg_{kind}",
            f"{HUGGING_FACE}/{repository}/resolve/main/{file}",
            size,
            licence,
            place=f"dsg/{kind}/{name}",
            sha256=sha256 if file.endswith(".safetensors") else "",
        )
        for file, size in sizes.items()
    )


def folder_name(files: Sequence[ModelFile]) -> str:
    """Of the folder that they are in, as a loader's drop-down shows it."""
    return files[0].name.partition("/")[0]


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
AESTHETIC_HEAD = ModelFile(
    "sac+logos+ava1-l14-linearMSE.pth",
    "dsg_reward",
    "https://github.com/christophschuhmann/improved-aesthetic-predictor/raw/main/sac%2Blogos%2Bava1-l14-linearMSE.pth",
    "4 MB",
    "Apache 2.0",
    place="dsg/reward",
)
LARGE_CLIP = folder(
    "clip",
    "timm/vit_large_patch14_clip_224.openai",
    "MIT",
    {"open_clip_config.json": "1 kB", "open_clip_model.safetensors": "1.7 GB"},
)
SEGFORMER = folder(
    "segmentation",
    "nvidia/segformer-b0-finetuned-ade-512-512",
    "**non-commercial**",
    {"config.json": "7 kB", "model.safetensors": "15 MB"},
)
DEPTH = folder(
    "depth",
    "depth-anything/Depth-Anything-V2-Small-hf",
    "Apache 2.0",
    {"config.json": "1 kB", "preprocessor_config.json": "1 kB", "model.safetensors": "99 MB"},
    sha256="3152477ce0d8d6978d76b995120de97cb5b928701fd0f817769f59e249a16b70",
)
CLASSIFIER = folder(
    "classifier",
    "google/vit-base-patch16-224",
    "Apache 2.0",
    {"config.json": "70 kB", "preprocessor_config.json": "1 kB", "model.safetensors": "346 MB"},
)
POSE = folder(
    "pose",
    "usyd-community/vitpose-base-simple",
    "Apache 2.0",
    {"config.json": "2 kB", "preprocessor_config.json": "1 kB", "model.safetensors": "344 MB"},
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
