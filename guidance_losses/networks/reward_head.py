"""Reward heads that users have: a score of a picture, read off its CLIP features.

LAION's aesthetic predictors, https://github.com/christophschuhmann/improved-aesthetic-predictor and
https://github.com/LAION-AI/aesthetic-predictor: linear layers with nothing between but the dropout of their training,
on the features of OpenAI's ViT-L/14, of length 1. A chain of linear layers is one of them.
"""

import re
from itertools import pairwise
from pathlib import Path

from torch import Tensor, nn

from ..input_error import InputError
from .file_kind import network_kind
from .model_file import loader
from .weights_file import read_weights

WANTED = "LAION's sac+logos+ava1-l14-linearMSE or another chain of linear layers from CLIP features to one number"
LAYER = re.compile(r"^(?:[A-Za-z_]+\.)*?(\d*)\.?(weight|bias)$")
APART = 2  # numbers from a layer to the next: the one between is the dropout


class RewardHead(nn.Module):
    """Features of pictures `[B, width]`, of length 1 → the reward `[B]`. Its weights take no gradient."""

    def __init__(self, weight: Tensor, bias: Tensor):
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.width = len(weight)

    def forward(self, features: Tensor) -> Tensor:
        return features @ self.weight + self.bias


@loader("a reward head")
def load_reward_head(path: Path) -> RewardHead:
    """Read a reward head, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the file holds anything but linear layers that end in one number.
    """
    *layers, (row, reward) = _layers(read_weights(path, WANTED))
    for weight, bias in reversed(layers):  # from the end, where there is one row at each layer
        row, reward = row @ weight, row @ bias + reward
    return RewardHead(row[0].float(), reward[0].float())


def _layers(weights: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Weight `[out, in]` and bias `[out]` of each layer in their order, in double precision; each takes what the one
    before gives.

    Raises:
        InputError: if that is not so, or there may be more than linear layers.
    """
    refusal = f"it holds the weights of {network_kind(weights)}; take {WANTED}"
    parts: dict[int, dict[str, Tensor]] = {}
    for name, weight in weights.items():
        found = LAYER.match(name)
        layer = parts.setdefault(int(found[1] or 0), {}) if found else {}
        if not found or found[2] in layer:
            raise InputError(refusal)
        layer[found[2]] = weight.double()
    numbers = sorted(parts)
    if any(after - before > APART for before, after in pairwise(numbers)):
        raise InputError(f"there is more than dropout between its layers, which its weights do not tell; take {WANTED}")
    before, layers = None, []
    for number in numbers:
        weight, bias = parts[number].get("weight"), parts[number].get("bias")
        if weight is None or bias is None or weight.ndim != 2 or bias.shape != weight.shape[:1]:
            raise InputError(refusal)
        if before not in (None, weight.shape[1]):
            raise InputError("its layers do not fit each other; download it again, or take another")
        before = len(weight)
        layers.append((weight, bias))
    if before != 1:
        raise InputError(f"it gives {before} numbers, and a reward is one; take {WANTED}")
    if not all(part.isfinite().all() for layer in layers for part in layer):
        raise InputError("it holds NaN or infinite weights; download it again")
    return layers
