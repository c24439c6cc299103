"""A CLIP's weights as transformers names them, in open_clip's names: PickScore is published so, and OpenAI's own CLIPs.

Both are the same network; transformers keeps queries, keys and values apart, and its projections turned.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ..input_error import InputError

TOWERS = ("text_model.", "vision_model.")
UNUSED = re.compile(r"\.position_ids$")  # a table that older files have
PARTS = {
    r"^text_model\.embeddings\.token_embedding\.": "token_embedding.",
    r"^text_model\.embeddings\.position_embedding\.weight": "positional_embedding",
    r"^text_model\.final_layer_norm\.": "ln_final.",
    r"^text_model\.encoder\.layers\.": "transformer.resblocks.",
    r"^vision_model\.embeddings\.class_embedding": "visual.class_embedding",
    r"^vision_model\.embeddings\.patch_embedding\.": "visual.conv1.",
    r"^vision_model\.embeddings\.position_embedding\.weight": "visual.positional_embedding",
    r"^vision_model\.pre_layrnorm\.": "visual.ln_pre.",  # transformers' own spelling
    r"^vision_model\.post_layernorm\.": "visual.ln_post.",
    r"^vision_model\.encoder\.layers\.": "visual.transformer.resblocks.",
    r"\.self_attn\.out_proj\.": ".attn.out_proj.",
    r"\.layer_norm(\d)\.": r".ln_\1.",
    r"\.mlp\.fc1\.": ".mlp.c_fc.",
    r"\.mlp\.fc2\.": ".mlp.c_proj.",
}
TURNED = {"text_projection.weight": "text_projection", "visual_projection.weight": "visual.proj"}
ATTENTION = re.compile(r"\.self_attn\.([qkv])_proj\.(weight|bias)$")


def is_of_transformers(weights: Mapping[str, Tensor]) -> bool:
    """Whether both towers of a CLIP are there under transformers' names."""
    return all(any(name.startswith(tower) for name in weights) for tower in TOWERS)


def as_open_clip(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights in open_clip's names and shapes.

    Raises:
        InputError: if queries, keys and values do not belong together.
    """
    named: dict[str, Tensor] = {}
    attention: dict[str, dict[str, Tensor]] = {}
    for name, weight in weights.items():
        if UNUSED.search(name):
            continue
        if kind := ATTENTION.search(name):
            together = f"{_renamed(name[: kind.start()])}.attn.in_proj_{kind[2]}"
            attention.setdefault(together, {})[kind[1]] = weight
        elif name in TURNED:
            named[TURNED[name]] = weight.mT if weight.ndim == 2 else weight
        else:
            named[_renamed(name)] = weight
    try:
        return named | {name: torch.cat([each["q"], each["k"], each["v"]]) for name, each in attention.items()}
    except (KeyError, RuntimeError) as error:
        raise InputError("its queries, keys and values do not belong together; download it again") from error


def _renamed(name: str) -> str:
    for pattern, part in PARTS.items():
        name = re.sub(pattern, part, name)
    return name
