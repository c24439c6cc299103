"""CSD, the contrastive style descriptor: Somepalli et al. 2024, arXiv 2404.01292.

The image tower of OpenAI's ViT-L/14, trained on, with a projection for style, `last_layer_style`, in place of its own.
Its files also hold one for content. The layout is that of https://github.com/learn2phoenix/CSD; the sizes are read off
the weights' shapes.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from ..packages import needed_packages
from .clip import MEAN, STD, prepared
from .file_kind import network_kind
from .model_file import loader
from .size_limits import build
from .weights_file import read_weights

TOWER, STYLE = "backbone.", "last_layer_style"
WANTED = "the weights of CSD as safetensors, as yuxi-liu-wired/CSD has them on Hugging Face"
HEAD_WIDTH, MLP_RATIO = 64, 4.0  # of all of CLIP's vision transformers


class CsdNetwork(nn.Module):
    """Says the style of pictures. Its weights take no gradient.

    A picture of another size or shape than the network's is stretched to it whole, without a crop.

    Args:
        tower: open_clip's vision transformer, whose last projection is the one for style.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, tower: Any):
        super().__init__()
        self.tower = tower
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def styles(self, images: Tensor) -> Tensor:
        """`[B, 3, H, W]`, RGB in [0, 1] → descriptors `[B, D]` of length 1."""
        return F.normalize(self.tower(prepared(images, self.tower.image_size, self.mean, self.std)), dim=-1)


@loader("a CSD")
def load_csd(path: Path) -> CsdNetwork:
    """Read a CSD on the CPU, in single precision.

    Raises:
        InputError: in one sentence, if the file holds another network, or more than weights, as the authors' own.
    """
    weights = {name.removeprefix("module."): weight for name, weight in read_weights(path, WANTED).items()}
    tower = {name.removeprefix(TOWER): weight for name, weight in weights.items() if name.startswith(TOWER)}
    if not tower or STYLE not in weights:
        raise InputError(f"it holds the weights of {network_kind(weights)}; take {WANTED}")
    tower["proj"] = weights[STYLE]
    try:
        network = build(lambda: _tower(tower), tower, _look)
        network.load_state_dict(tower)
    except InputError:
        raise
    except Exception as error:  # of weights that are missing, or of another shape than CLIP's
        raise InputError(f"its weights are not those of CLIP's vision transformer; take {WANTED}") from error
    return CsdNetwork(network)


def _tower(weights: dict[str, Tensor]) -> Any:
    """open_clip's vision transformer of the size that these weights, in its names, have."""
    with needed_packages():
        from open_clip.transformer import QuickGELU, VisionTransformer
    width, patch = weights["conv1.weight"].shape[0], weights["conv1.weight"].shape[-1]
    blocks = {name.split(".")[2] for name in weights if name.startswith("transformer.resblocks.")}
    return VisionTransformer(
        image_size=patch * math.isqrt(len(weights["positional_embedding"]) - 1),
        patch_size=patch,
        width=width,
        layers=len(blocks),
        heads=max(1, width // HEAD_WIDTH),
        mlp_ratio=MLP_RATIO,
        output_dim=weights["proj"].shape[1],
        act_layer=QuickGELU,
    )


def _look(tower: Any) -> None:
    """Pass a picture through it, on whatever device is the default."""
    tower(torch.zeros(1, 3, *tower.image_size))
