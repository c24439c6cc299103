"""Semantic segmentation networks that users have: folders as Hugging Face keeps them, SegFormer and its like.

SegFormer: Xie et al. 2021, arXiv 2105.15203. The folder holds `config.json`, the weights in safetensors and, as a
rule, `preprocessor_config.json`, which says how the network wants its pictures. No file makes any code run, and nothing
is downloaded.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from ..packages import needed_packages
from .file_kind import file_kind

WANTED = "that file as Hugging Face has it"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its pictures.

    Attributes:
        size: height and width in pixels; one number is the length of the shorter edge, and None keeps the picture's.
        mean, std: of each channel in [0, 1]; what the network sees is (picture − mean) / std.
        blue_first: whether it wants BGR.
    """

    size: tuple[int, int] | int | None = None
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    blue_first: bool = False

    @classmethod
    def read(cls, config: dict[str, Any]) -> "Preprocessing":
        """From what a `preprocessor_config.json` says.

        Raises:
            InputError: if its size, or its mean and deviation, have no known form.
        """
        size = config.get("size") if config.get("do_resize", True) else None
        normalize = config.get("do_normalize", True)
        mean = (config.get("image_mean") or IMAGENET_MEAN) if normalize else (0, 0, 0)
        std = (config.get("image_std") or IMAGENET_STD) if normalize else (1, 1, 1)
        match size:
            case {"height": int(height), "width": int(width)}:
                size = (height, width)
            case {"shortest_edge": int(edge)}:
                size = edge
            case int(side):
                size = (side, side)
            case None:
                pass
            case _:
                raise InputError(f"its preprocessor_config.json has a size of unknown form, {size}")
        if not (is_triple(mean) and is_triple(std) and min(std) > 0):
            raise InputError("its preprocessor_config.json has no mean and deviation for three channels")
        return cls(size, tuple(mean), tuple(std), bool(config.get("do_flip_channel_order", False)))

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """The height and width at which the network looks at a picture of this size."""
        if self.size is None:
            return height, width
        if isinstance(self.size, int):
            scale = self.size / min(height, width)
            return round(scale * height), round(scale * width)
        return self.size


def is_triple(value: Any) -> bool:
    """Whether it is three numbers."""
    return isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(x, int | float) for x in value)


class SegmentationNetwork(nn.Module):
    """Pictures `[B, 3, H, W]`, RGB in [0, 1], of any size → logits `[B, classes, H, W]`. Its weights take no gradient.

    Args:
        network: a transformers model for semantic segmentation.

    Attributes:
        labels: the classes' names, in the logits' order.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, labels: list[str]):
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing
        self.labels = labels
        self.register_buffer("mean", torch.tensor(preprocessing.mean, dtype=torch.float32).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(preprocessing.std, dtype=torch.float32).view(3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        seen = (resize(images, self.preprocessing.size_for(height, width)) - self.mean) / self.std
        logits = self.network(seen.flip(1) if self.preprocessing.blue_first else seen).logits
        return resize(logits, (height, width))


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """`[B, C, H, W]` → `[B, C, *size]`, differentiable."""
    if images.shape[-2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True)


def load_segmentation_network(folder: Path) -> SegmentationNetwork:
    """Read a semantic segmentation network from its folder, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    try:
        check_files(folder)
        preprocessor = folder / "preprocessor_config.json"
        preprocessing = Preprocessing.read(read_json(preprocessor) if preprocessor.exists() else {})
        network = read_network(folder)
        names = network.config.id2label
        return SegmentationNetwork(network, preprocessing, [str(names[number]) for number in sorted(names)])
    except ValueError as error:
        raise InputError(f"{folder.name} cannot be used as a segmentation network: {error}.") from error


def check_files(folder: Path) -> None:
    """Raises InputError if the folder's files are not those of a semantic segmentation model."""
    if not (folder / "config.json").is_file():
        raise InputError("it is no folder with a config.json, as Hugging Face's models are")
    if not any(folder.glob("model*.safetensors")):
        if any(folder.glob("*.bin")):
            raise InputError("its weights are a pickle, which can hold code; convert them to model.safetensors")
        raise InputError("it has no weights, model.safetensors")
    for weights in folder.glob("model*.safetensors"):
        try:
            with safe_open(weights, framework="pt"):
                pass
        except SafetensorError as error:
            raise InputError(f"{weights.name} cannot be read: {file_kind(weights, WANTED)}") from error
    kinds = read_json(folder / "config.json").get("architectures") or ["model of an unnamed kind"]
    if not any(str(kind).endswith("ForSemanticSegmentation") for kind in kinds):
        raise InputError(f"it is a {kinds[0]}, and what is needed is a model for semantic segmentation")


def read_json(path: Path) -> dict[str, Any]:
    """Raises InputError if the file holds no JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no JSON, or no text
        raise InputError(
            f"its {path.name} is damaged: {file_kind(path, WANTED).removeprefix('it is damaged: ')}"
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"its {path.name} is damaged")
    return content


def read_network(folder: Path) -> Any:
    """The transformers model of a folder that `check_files` accepts.

    Raises:
        InputError: if transformers does not know the model, or the weights are damaged or not all there.
    """
    with needed_packages():
        from transformers import AutoModelForSemanticSegmentation

    try:
        network, found = AutoModelForSemanticSegmentation.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # transformers and safetensors have their own kinds of errors for each kind of damage
        raise InputError(
            "transformers cannot read it: it is of a newer kind, or its weights do not fit its config.json"
        ) from error
    if found["missing_keys"]:
        raise InputError(f"its weights are not all there, {sorted(found['missing_keys'])[0]} is missing")
    if getattr(network.config, "num_channels", 3) != 3:
        raise InputError(f"it looks at pictures of {network.config.num_channels} channels, not at RGB")
    return network
