"""Networks as Hugging Face keeps them: a folder of `config.json`, the weights in safetensors and, as a rule,
`preprocessor_config.json`, which says how the network wants its pictures.

No file makes any code run, and nothing is downloaded.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from ..packages import needed_packages
from .configuration_file import WANTED, check_numbers, is_triple, longest_side, read_json
from .model_file import quoted
from .size_limits import LARGEST_SIDE, build
from .weights_file import read_weights

CONFIGURATION, PREPROCESSOR = "config.json", "preprocessor_config.json"
TRIED = 512  # pixels of the picture with which the cost of a network is reckoned
UNKNOWN = "transformers cannot read it: it is of a newer kind, or its weights do not fit its config.json"
ELSEWHERE = ("backbone", "use_pretrained_backbone", "use_timm_backbone")  # of older files
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def logits(network: nn.Module, seen: Tensor) -> Tensor:
    """A network's answer to prepared pictures, `[B, classes, ...]`."""
    return network(seen).logits


class Task(NamedTuple):
    """What a network is for.

    Attributes:
        what: for messages.
        endings: of the names of transformers' classes.
        class_name: transformers' class, or its list of them.
        answer: a network's to prepared pictures.
        named: whether the answer's second dimension is that of the names in a `config.json`.
    """

    what: str
    endings: tuple[str, ...]
    class_name: str
    answer: Callable[[nn.Module, Tensor], Tensor] = logits
    named: bool = True


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its pictures.

    Attributes:
        size: height and width in pixels; one number is the length of the shorter edge, and None keeps the picture's.
        keep_shape: of height and width only that counts which changes the picture less; the other follows.
        multiple: height and width are rounded to multiples of it.
        mean, std: of each channel in [0, 1]; what the network sees is (picture − mean) / std.
        blue_first: whether it wants BGR.
    """

    size: tuple[int, int] | int | None = None
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    blue_first: bool = False
    keep_shape: bool = False
    multiple: int = 1

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
        multiple = config.get("ensure_multiple_of") or 1
        if not (isinstance(multiple, int) and 0 < multiple <= LARGEST_SIDE):
            raise InputError(f"its {PREPROCESSOR} asks for multiples of {quoted(multiple)}, which no size can be")
        if not (is_triple(mean) and is_triple(std) and min(std) > 1e-6):
            raise InputError(f"its {PREPROCESSOR} has no mean and deviation for three channels")
        blue_first, keep_shape = (bool(config.get(name)) for name in ("do_flip_channel_order", "keep_aspect_ratio"))
        return cls(size, tuple(mean), tuple(std), blue_first, keep_shape, multiple)

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """The height and width at which the network looks at a picture of this size."""
        match self.size:
            case None:
                scales = 1.0, 1.0
            case int(edge):
                scales = (edge / min(height, width),) * 2
            case rows, columns:
                scales = rows / height, columns / width
        if self.keep_shape:
            scales = (min(scales, key=lambda scale: abs(1 - scale)),) * 2
        rows, columns = (
            max(round(scale * length / self.multiple), 1) * self.multiple
            for scale, length in zip(scales, (height, width))
        )
        return rows, columns


def size_sides(size: tuple[int, int] | int | None) -> tuple[int, ...]:
    return size if isinstance(size, tuple) else () if size is None else (size,)


def resize(images: Tensor, size: tuple[int, ...]) -> Tensor:
    """`[B, C, H, W]` → `[B, C, *size]`, differentiable."""
    if images.shape[-2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True)


class PreparingNetwork(nn.Module):
    """A network behind the preparation of its pictures. Its weights take no gradient.

    Args:
        network: transformers'.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, preprocessing: Preprocessing):
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing
        self.register_buffer("mean", torch.tensor(preprocessing.mean, dtype=torch.float32).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(preprocessing.std, dtype=torch.float32).view(3, 1, 1))
        self.eval().requires_grad_(False)

    def seen(self, images: Tensor) -> Tensor:
        """What the network sees of pictures `[B, 3, H, W]`, RGB in [0, 1], of any size; differentiable."""
        size = self.preprocessing.size_for(*images.shape[-2:])
        normal = (resize(images, size) - self.mean) / self.std
        return normal.flip(1) if self.preprocessing.blue_first else normal


class ClassesNetwork(PreparingNetwork):
    """One that knows classes.

    Args:
        network: transformers'.

    Attributes:
        labels: the classes' names, in the logits' order.
    """

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, labels: list[str]):
        super().__init__(network, preprocessing)
        self.labels = labels


class FolderNetwork(NamedTuple):
    """network: transformers'; preprocessing: of its pictures; labels: its classes' names, in the logits' order."""

    network: Any
    preprocessing: Preprocessing
    labels: list[str]


def read_folder(folder: Path, task: Task, whole_picture: bool = False) -> FolderNetwork:
    """Read a network of that task from its folder, in single precision, onto the CPU.

    Args:
        whole_picture: where the network's own preparation looks at the middle of a picture, have it look at all of it,
            stretched to the same size; and if nothing says a size, to that for which the network was made.

    Raises:
        InputError: if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    check_files(folder)
    preprocessor, description = folder / PREPROCESSOR, read_json(folder / CONFIGURATION)
    check_task(description, task)
    prepared = read_json(preprocessor) if preprocessor.exists() else {}
    preprocessing = Preprocessing.read(at_own_size(prepared, description) if whole_picture else prepared)
    network = read_network(description, read_folder_weights(folder), preprocessing, task)
    names = network.config.id2label
    return FolderNetwork(network, preprocessing, [str(names[number]) for number in sorted(names)])


def at_own_size(prepared: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    """What a `preprocessor_config.json` says, with the size, of a square for most, that the network itself sees."""
    size = prepared.get("crop_size") if prepared.get("do_center_crop") else prepared.get("size")
    if isinstance(size, dict) and "shortest_edge" in size:
        size = size["shortest_edge"]
    backbone = description.get("backbone_config")
    own = description.get("image_size") or (backbone.get("image_size") if isinstance(backbone, dict) else None)
    if isinstance(own, list) and len(own) == 2:
        own = {"height": own[0], "width": own[1]}
    return prepared | {"size": size or own}


def check_files(folder: Path) -> None:
    """Raises InputError if the folder's files are not those of a model in safetensors."""
    if not (folder / CONFIGURATION).is_file():
        raise InputError(f"it is no folder with a {CONFIGURATION}, as Hugging Face's models are")
    if not any(folder.glob("model*.safetensors")):
        if any(folder.glob("*.bin")):
            raise InputError("its weights are a pickle, which can hold code; convert them to model.safetensors")
        raise InputError("it has no weights, model.safetensors")


def check_task(description: dict[str, Any], task: Task) -> None:
    """Raises InputError if a `config.json` describes a network for something else."""
    kinds = description.get("architectures") or ["model of an unnamed kind"]
    if not isinstance(kinds, list) or not any(ending in str(kind) for kind in kinds for ending in task.endings):
        kind = quoted(kinds[0] if isinstance(kinds, list) else kinds)
        raise InputError(f"it is a {kind}, and what is needed is a model for {task.what}")


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


def read_network(
    description: dict[str, Any], weights: dict[str, Tensor], preprocessing: Preprocessing, task: Task
) -> Any:
    """The transformers model that a `config.json` describes, with its weights in it.

    Raises:
        InputError: if transformers does not know the model, or it is not the one whose weights these are.
    """
    with needed_packages():
        import transformers

    config = network_config(description, longest_side(weights))
    if getattr(config, "num_channels", 3) != 3:
        raise InputError(f"it looks at pictures of {config.num_channels} channels, not at RGB")
    picture = torch.zeros(1, 3, *preprocessing.size_for(TRIED, TRIED), device="meta")

    def look(network: nn.Module) -> None:
        if task.answer(network, picture).shape[1] != len(config.id2label) and task.named:
            raise InputError(f"its {CONFIGURATION} names {len(config.id2label)} classes, and it gives another number")

    try:
        kind: Any = getattr(transformers, task.class_name)
        if hasattr(kind, "_model_mapping"):
            kind = kind._model_mapping[type(config)]
        if isinstance(kind, tuple):  # of several kinds the one that the folder names
            kind = next(each for each in kind if each.__name__ in description["architectures"])
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
