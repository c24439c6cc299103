"""Files in JSON that describe a network, a tokenizer or how pictures are prepared."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..input_error import InputError
from .file_kind import file_kind
from .model_file import quoted, real_file

WANTED = "that file as Hugging Face has it"
LARGEST = 2**20  # bytes; the longest list of classes takes a tenth of it
DEEPEST = 32  # one in the other
LARGEST_NUMBER = 2**16  # of pixels, layers, channels, classes, words; a file of weights may have longer sides


def read_json(path: Path, largest: int = LARGEST) -> dict[str, Any]:
    """The object in a file.

    Raises:
        InputError: if there is none in it, it is too large or too deep to describe anything, or has numbers that are
            none.
    """
    name = quoted(path.name)
    try:
        content = json.loads(read_text(path, largest), parse_constant=_no_number)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # no JSON, or no text
        kind = file_kind(path, WANTED).removeprefix("it is damaged: ")
        raise InputError(f"its {name} is damaged: {kind}") from error
    if not isinstance(content, dict):
        raise InputError(f"its {name} is damaged; take {WANTED}")
    _check_depth(content, DEEPEST, name)
    return content


def read_text(path: Path, largest: int) -> str:
    """What is written in a file.

    Raises:
        InputError: if it is larger.
        UnicodeDecodeError: if it is no text.
    """
    if real_file(path).stat().st_size > largest:
        raise InputError(
            f"its {quoted(path.name)} is larger than {largest // 2**20} MB, and no such file is; take {WANTED}"
        )
    return path.read_text(encoding="utf-8")


def _no_number(text: str) -> None:
    raise ValueError(text)


def _check_depth(content: Any, levels: int, name: str) -> None:
    if levels < 0:
        raise InputError(f"its {name} is damaged: it is nested too deep; take {WANTED}")
    for part in _parts(content):
        _check_depth(part, levels - 1, name)


def _parts(content: Any) -> Any:
    return content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()


def check_numbers(content: Any, largest: int, name: str) -> None:
    """Raises InputError if a number, anywhere, is beyond the largest, up or down.

    Args:
        largest: the longest side of the weights that belong to it, or `LARGEST_NUMBER`, whichever is more.
    """
    if isinstance(content, int | float) and not (abs(content) <= largest):
        raise InputError(f"its {name} asks for {quoted(content)}, more than its weights are of; take {WANTED}")
    for part in _parts(content):
        check_numbers(part, largest, name)


def longest_side(weights: Mapping[str, Tensor]) -> int:
    """The largest number that a description of these weights can need."""
    return max(LARGEST_NUMBER, *(max(weight.shape, default=0) for weight in weights.values()))


def is_triple(value: Any) -> bool:
    """Whether it is three numbers."""
    return isinstance(value, list | tuple) and len(value) == 3 and all(map(is_scale, value))


def is_scale(value: Any) -> bool:
    """Whether it is a number that a picture's values, up to 255, can be compared with."""
    return isinstance(value, int | float) and abs(value) <= 1000
