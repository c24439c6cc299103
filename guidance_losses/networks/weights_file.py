"""Files of weights, read as tensors only: no file makes any code run."""

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ..input_error import InputError
from .file_kind import file_kind
from .model_file import quoted, real_file
from .pth_file import NO_WEIGHTS, read_pth

LONGEST_LABEL = 100  # characters
NO_LABELS = "the labels in its metadata are no JSON object of class numbers and their names"


def read_weights(path: Path, wanted: str) -> dict[str, Tensor]:
    """The weights in a `.safetensors` file or one of PyTorch's: at least one, each with numbers in it.

    Raises:
        InputError: if there are none in it; it says what the file is, and to take what is `wanted`.
    """
    read = _read_safetensors if path.suffix == ".safetensors" else read_pth
    try:
        weights = read(path, wanted)
    except (FileNotFoundError, InputError):
        raise
    except Exception as error:  # the readers have their own kinds of errors for each kind of damage
        raise InputError(file_kind(path, wanted)) from error
    check_weights(weights, wanted)
    return weights


def _read_safetensors(path: Path, wanted: str) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(real_file(path))


def read_labels(path: Path) -> dict[int, str]:
    """The names of a network's classes by their numbers, from the metadata of a `.safetensors` file; none without them.

    Raises:
        InputError: if its `labels` are no JSON object of numbers and short names.
    """
    from safetensors import safe_open

    with safe_open(real_file(path), framework="pt") as file:
        text = (file.metadata() or {}).get("labels")
    if text is None:
        return {}
    try:
        labels = {int(number): name for number, name in json.loads(text).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise InputError(NO_LABELS) from error
    if not all(isinstance(name, str) and 0 < len(name) <= LONGEST_LABEL for name in labels.values()):
        raise InputError(NO_LABELS)
    return labels


def check_weights(weights: Mapping[str, Tensor], wanted: str) -> None:
    """Raises InputError if there are none, or some that no network has: without numbers, or with complex ones."""
    if not weights:
        raise InputError(NO_WEIGHTS.format(wanted=wanted))
    for name, weight in weights.items():
        if not weight.numel() or weight.is_complex():
            raise InputError(f"its weight {quoted(name)} has no numbers of a network in it; take {wanted}")
