"""Semantic segmentation networks that users have: folders as Hugging Face keeps them, SegFormer and its like.

SegFormer: Xie et al. 2021, arXiv 2105.15203. The folder holds `config.json`, the weights in safetensors and, as a
rule, `preprocessor_config.json`, which says how the network wants its pictures. No file makes any code run, and nothing
is downloaded.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from ..packages import needed_packages
from .configuration_file import WANTED, check_numbers, is_triple, longest_side, read_json
from .model_file import loader, quoted
from .size_limits import LARGEST_SIDE, build
from .weights_file import read_weights

CONFIGURATION, PREPROCESSOR = "config.json", "preprocessor_config.json"
TRIED = 512  # pixels of the picture with which the cost of a network is reckoned
UNKNOWN = "transformers cannot read it: it is of a newer kind, or its weights do not fit its config.json"
ELSEWHERE = ("backbone", "use_pretrained_backbone", "use_timm_backbone")  # of older files
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
                raise InputError(f"its {PREPROCESSOR} has a size of unknown form, {quoted(size)}")
        if not all(0 < side <= LARGEST_SIDE for side in size_sides(size)):
            raise InputError(f"its {PREPROCESSOR} has a size of {quoted(size)}, not of 1 to {LARGEST_SIDE} pixels")
        if not (is_triple(mean) and is_triple(std) and min(std) > 1e-6):
            raise InputError(f"its {PREPROCESSOR} has no mean and deviation for three channels")
        return cls(size, tuple(mean), tuple(std), bool(config.get("do_flip_channel_order", False)))

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """The height and width at which the network looks at a picture of this size."""
        if self.size is None:
            return height, width
        if isinstance(self.size, int):
            scale = self.size / min(height, width)
            return round(scale * height), round(scale * width)
        return self.size


def size_sides(size: tuple[int, int] | int | None) -> tuple[int, ...]:
    return size if isinstance(size, tuple) else () if size is None else (size,)


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


@loader("a segmentation network")
def load_segmentation_network(folder: Path) -> SegmentationNetwork:
    """Read a semantic segmentation network from its folder, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    check_files(folder)
    preprocessor = folder / PREPROCESSOR
    preprocessing = Preprocessing.read(read_json(preprocessor) if preprocessor.exists() else {})
    description = read_json(folder / CONFIGURATION)
    check_task(description)
    weights = read_folder_weights(folder)
    network = read_network(description, weights, preprocessing)
    names = network.config.id2label
    return SegmentationNetwork(network, preprocessing, [str(names[number]) for number in sorted(names)])


def check_files(folder: Path) -> None:
    """Raises InputError if the folder's files are not those of a model in safetensors."""
    if not (folder / CONFIGURATION).is_file():
        raise InputError(f"it is no folder with a {CONFIGURATION}, as Hugging Face's models are")
    if not any(folder.glob("model*.safetensors")):
        if any(folder.glob("*.bin")):
            raise InputError("its weights are a pickle, which can hold code; convert them to model.safetensors")
        raise InputError("it has no weights, model.safetensors")


def check_task(description: dict[str, Any]) -> None:
    """Raises InputError if a `config.json` describes a network for something else."""
    kinds = description.get("architectures") or ["model of an unnamed kind"]
    if not isinstance(kinds, list) or not any(str(kind).endswith("ForSemanticSegmentation") for kind in kinds):
        kind = quoted(kinds[0] if isinstance(kinds, list) else kinds)
        raise InputError(f"it is a {kind}, and what is needed is a model for semantic segmentation")


def read_folder_weights(folder: Path) -> dict[str, Tensor]:
    """Of `model.safetensors`, or of the parts that it was cut into; what lists the parts is not needed."""
    whole = folder / "model.safetensors"
    weights: dict[str, Tensor] = {}
    for file in [whole] if whole.exists() else sorted(folder.glob("model*.safetensors")):
        try:
            weights |= read_weights(file, WANTED)
        except InputError as error:
            raise InputError(f"its {quoted(file.name)} cannot be read: {error}") from error
    return weights


def read_network(description: dict[str, Any], weights: dict[str, Tensor], preprocessing: Preprocessing) -> Any:
    """The transformers model that a `config.json` describes, with its weights in it.

    Raises:
        InputError: if transformers does not know the model, or it is not the one whose weights these are.
    """
    with needed_packages():
        from transformers import AutoModelForSemanticSegmentation

    config = network_config(description, longest_side(weights))
    if getattr(config, "num_channels", 3) != 3:
        raise InputError(f"it looks at pictures of {config.num_channels} channels, not at RGB")
    picture = torch.zeros(1, 3, *preprocessing.size_for(TRIED, TRIED), device="meta")

    def look(network: nn.Module) -> None:
        if network(picture).logits.shape[1] != len(config.id2label):
            raise InputError(f"its {CONFIGURATION} names {len(config.id2label)} classes, and it gives another number")

    try:
        kind: Any = AutoModelForSemanticSegmentation._model_mapping[type(config)]
        build(lambda: kind(copy.deepcopy(config)), weights, look)
        network, found = kind.from_pretrained(
            None, config=config, state_dict=weights, dtype=torch.float32, output_loading_info=True
        )
    except InputError:
        raise
    except Exception as error:  # transformers has its own kinds of errors for each kind of damage
        raise InputError(UNKNOWN) from error
    if found["missing_keys"]:
        raise InputError(f"its weights are not all there, {quoted(sorted(found['missing_keys'])[0])} is missing")
    return network


def network_config(description: dict[str, Any], largest: int) -> Any:
    """transformers' configuration of one network, of what only this kind of network has.

    What all kinds have is left out: some of it names files, repositories or code, or has the network give its results
    in another form.

    Args:
        largest: beyond it no number can be.

    Raises:
        InputError: if there is a number beyond it, transformers does not know the kind, or a part of it lies elsewhere.
    """
    from transformers import CONFIG_MAPPING, PretrainedConfig

    elsewhere = next((name for name in ELSEWHERE if description.get(name)), None)
    kind = description.get("model_type")
    if elsewhere or (isinstance(kind, str) and kind.startswith("timm")):
        raise InputError(
            f"a part of it is another network, which its {CONFIGURATION} does not describe ({elsewhere or kind}); take "
            "one that is whole"
        )
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise InputError(UNKNOWN)
    of_all = vars(PretrainedConfig())
    own = {name.removeprefix("_") for name in vars(CONFIG_MAPPING[kind]()) if name not in of_all}
    own |= {*CONFIG_MAPPING[kind].attribute_map}
    settings = {name: value for name, value in description.items() if name in own}
    check_numbers(settings, largest, CONFIGURATION)
    parts = {
        name: network_config(value, largest)
        for name, value in settings.items()
        if isinstance(value, dict) and "model_type" in value
    }
    classes = class_names(description, largest)
    try:
        return CONFIG_MAPPING[kind](**settings | parts | classes)
    except Exception as error:  # transformers has its own kinds of errors
        raise InputError(UNKNOWN) from error


def class_names(description: dict[str, Any], largest: int) -> dict[str, Any]:
    """The names of the classes, or how many there are.

    Raises:
        InputError: if they are not names by numbers.
    """
    names = description.get("id2label")
    if names is None:
        count = {name: value for name, value in description.items() if name == "num_labels"}
        check_numbers(count, largest, CONFIGURATION)
        return count
    try:
        return {"id2label": {int(number): str(name) for number, name in names.items()}}
    except (AttributeError, ValueError) as error:
        raise InputError(f"its {CONFIGURATION} has no names of classes by their numbers; take {WANTED}") from error
