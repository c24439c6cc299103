"""Reward heads are read from files of linear layers, and from nothing else."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from guidance_losses import InputError
from guidance_losses.networks.reward_head import load_reward_head


def laion(width: int = 24) -> nn.Sequential:
    """The layers of LAION's sac+logos+ava1-l14-linearMSE, which take 768 numbers."""
    torch.manual_seed(0)
    dropout = nn.Dropout(0.2)
    ends = nn.Linear(64, 16), nn.Linear(16, 1)
    return nn.Sequential(
        nn.Linear(width, 1024), dropout, nn.Linear(1024, 128), dropout, nn.Linear(128, 64), dropout, *ends
    ).eval()


def written(weights: dict[str, torch.Tensor], path: Path) -> Path:
    weights = {name: weight.contiguous() for name, weight in weights.items()}
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path)
    return path


@pytest.mark.parametrize("name", ["head.safetensors", "head.pth"])
@pytest.mark.parametrize("prefix", ["layers.", "module.layers.", ""])
def test_a_chain_of_layers_gives_what_the_layers_give(tmp_path, name, prefix):
    layers, features = laion(), torch.randn(5, 24)
    weights = {prefix + part: weight for part, weight in layers.state_dict().items()}
    head = load_reward_head(written(weights, tmp_path / name))
    assert head.width == 24
    assert_close(head(features), layers(features)[:, 0])


def test_one_layer_is_a_head_too(tmp_path):
    layer, features = nn.Linear(24, 1), torch.randn(5, 24)
    head = load_reward_head(written(layer.half().state_dict(), tmp_path / "head.pth"))
    assert_close(head(features), layer.float()(features)[:, 0])
    assert head.weight.dtype == torch.float32
    assert not list(head.parameters())


def relu_network() -> dict[str, torch.Tensor]:
    """LAION's ava+logos-l14-reluMSE: between two layers are a ReLU and a dropout."""
    between = nn.ReLU(), nn.Dropout()
    return nn.Sequential(nn.Linear(24, 8), *between, nn.Linear(8, 1)).state_dict()


REFUSED = {
    "ReLUs": (relu_network(), "there is more than dropout between its layers"),
    "layers of other sizes": (
        {f"{i}.{n}": w for i in (0, 1) for n, w in nn.Linear(8, 1).state_dict().items()},
        "its layers do not fit each other",
    ),
    "two numbers": (nn.Linear(8, 2).state_dict(), "it gives 2 numbers, and a reward is one"),
    "no bias": (nn.Linear(8, 1, bias=False).state_dict(), "it holds the weights of another one"),
    "a convolution": (nn.Conv2d(3, 1, 2).state_dict(), "it holds the weights of another one"),
    "two heads": ({f"{a}.{n}": w for a in "ab" for n, w in nn.Linear(8, 1).state_dict().items()}, "another one"),
    "a CLIP": ({"visual.proj": torch.zeros(2, 2)}, "it holds the weights of a CLIP of open_clip"),
    "NaN": ({"weight": torch.full((1, 8), torch.nan), "bias": torch.zeros(1)}, "NaN or infinite"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_anything_else_is_refused_in_one_sentence(tmp_path, kind):
    weights, words = REFUSED[kind]
    with pytest.raises(InputError, match=r"^head\.safetensors cannot be used as a reward head: .*" + words) as error:
        load_reward_head(written(weights, tmp_path / "head.safetensors"))
    assert "\n" not in str(error.value)
