"""The files of a Hugging Face tokenizer, without what in them names other files, repositories or code."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..input_error import InputError
from ..packages import needed_packages
from .configuration_file import read_json, read_text

LARGEST = 40 * 2**20  # bytes; Gemma's, which SigLIP 2 has, takes 34 MB
LONGEST_GROWTH = 1000  # times that a text may become longer before it is cut into tokens
TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
NO_TOKENIZER = "it has no tokenizer.json that transformers can read; take open_clip's folder as Hugging Face has it"


def copy_tokenizer(folder: Path, target: Path) -> None:
    """Copy a tokenizer's rules, and the names of its special tokens, to another folder.

    Raises:
        InputError: if there are none, or such that a text would grow without bounds.
    """
    with needed_packages():
        from tokenizers import Tokenizer

    if not (folder / "tokenizer.json").is_file():
        raise InputError(NO_TOKENIZER)
    rules = read_text(folder / "tokenizer.json", LARGEST)
    try:
        normalizer = Tokenizer.from_str(rules).normalizer
    except Exception as error:  # it has no kinds of errors
        raise InputError(NO_TOKENIZER) from error
    steps = _steps(json.loads(normalizer.__getstate__())) if normalizer else ()
    if math.prod(max(1, len(str(step.get("content", "")))) for step in steps) > LONGEST_GROWTH:
        raise InputError("its tokenizer.json makes texts longer without bounds; take another one")
    (target / "tokenizer.json").write_text(rules, encoding="utf-8")

    named: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).exists():
            named |= read_json(folder / name)
    named = {kind: token.get("content") if isinstance(token, dict) else token for kind, token in named.items()}
    tokens = {kind: token for kind, token in named.items() if kind in TOKENS and isinstance(token, str)}
    (target / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"} | tokens))


def _steps(normalizer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What it does to a text, one after the other."""
    yield normalizer
    for step in normalizer.get("normalizers", ()):
        yield from _steps(step)
