"""Files of weights, read as tensors only: no file makes any code run."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ..input_error import InputError
from .file_kind import file_kind


def read_weights(path: Path, wanted: str) -> dict[str, Tensor]:
    """The state dict of a `.safetensors` or `.pth` file.

    Raises:
        InputError: if there is none in it; it says what the file is, and to take what is `wanted`.
    """
    with _explained(path, wanted):
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise InputError(f"it holds no network's weights by their names; take {wanted}")
    return weights


def weight_names(path: Path, wanted: str) -> list[str]:
    """The names of the weights in a file, or in the `state_dict` of a checkpoint; none where there is nothing of these.

    Raises:
        InputError: if it is damaged, or holds anything but tensors and plain values; see `read_weights`.
    """
    with _explained(path, wanted):
        if path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="pt") as file:
                return list(file.keys())
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    weights = checkpoint.get("state_dict", checkpoint) if isinstance(checkpoint, dict) else {}
    return [name for name in weights if isinstance(name, str)]


@contextlib.contextmanager
def _explained(path: Path, wanted: str) -> Iterator[None]:
    """Say of a file that cannot be read what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:  # the readers have their own kinds of errors for each kind of damage
        raise InputError(file_kind(path, wanted)) from error
