"""A CSD is read from its file and says what open_clip's own tower with that projection says."""

from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.testing import assert_close

from guidance_losses import InputError, StyleDescriptorLoss
from guidance_losses.networks.csd import CsdNetwork, load_csd

CPU = torch.device("cpu")
VISION = {"image_size": 32, "patch_size": 8, "width": 128, "layers": 2}
TEXT = {"context_length": 8, "vocab_size": 8, "width": 16, "heads": 2, "layers": 1}


@pytest.fixture(scope="module")
def clip() -> nn.Module:
    """A small CLIP of OpenAI's kind, whose picture features are the style."""
    torch.manual_seed(0)
    return open_clip.CLIP(12, VISION, TEXT, quick_gelu=True).eval()


def weights_of(clip: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """As CSD's files have them."""
    tower = {f"{prefix}backbone.{name}": weight for name, weight in clip.visual.state_dict().items() if name != "proj"}
    projections = {"last_layer_style": clip.visual.proj.detach(), "last_layer_content": torch.zeros(128, 12)}
    return tower | {prefix + name: weight for name, weight in projections.items()}


def saved(weights: dict[str, Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file({name: weight.clone() for name, weight in weights.items()}, path)
    else:
        torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def csd(clip, tmp_path_factory) -> CsdNetwork:
    return load_csd(saved(weights_of(clip), tmp_path_factory.mktemp("csd") / "model.safetensors"))


def pictures(count: int, side: int = 32) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "prefix"), [("csd.safetensors", ""), ("csd.pth", "module.")])
@torch.no_grad()
def test_it_says_the_style_that_the_tower_says(clip, tmp_path, name, prefix):
    network, images = load_csd(saved(weights_of(clip, prefix), tmp_path / name)), pictures(2)
    assert_close(network.styles(images), clip.encode_image((images - network.mean) / network.std, normalize=True))
    assert network.styles(pictures(1, side=50)).shape == (1, 12)


def test_the_loss_is_one_minus_the_cosine_with_the_mean_of_the_references(csd):
    images, references = pictures(2), pictures(5)[2:]
    wanted = csd.styles(references).mean(0)
    expected = 1 - torch.cosine_similarity(csd.styles(images), wanted[None])
    assert_close(StyleDescriptorLoss(csd, references).fit(2, 32, 32, CPU)(images), expected)


REFUSED = {
    "no style": (lambda weights: weights.pop("last_layer_style"), "it holds the weights of another one"),
    "half a tower": (lambda weights: weights.pop("backbone.ln_pre.weight"), "not those of CLIP's vision transformer"),
    "no patches": (lambda weights: weights.pop("backbone.conv1.weight"), "not those of CLIP's vision transformer"),
    "a large grid": (
        lambda weights: weights.update({"backbone.positional_embedding": torch.zeros(10**6 + 1, 1)}),
        "one look at a picture would take more memory or time|it describes a larger network|not those of CLIP",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_another_file_is_refused_in_one_sentence(clip, tmp_path, kind):
    change, words = REFUSED[kind]
    weights = weights_of(clip)
    change(weights)
    with pytest.raises(InputError, match=r"^csd\.safetensors cannot be used as a CSD: ") as error:
        load_csd(saved(weights, tmp_path / "csd.safetensors"))
    assert error.match(words)
    assert "\n" not in str(error.value)


def test_the_authors_checkpoint_is_refused_as_more_than_weights(clip, tmp_path):
    """It was saved with its training's arguments and optimizer around it."""
    import argparse

    path = tmp_path / "pytorch_model.pth"
    torch.save({"model_state_dict": weights_of(clip), "args": argparse.Namespace(), "iter": 1}, path)
    with pytest.raises(InputError, match=r"holds more than weights.*take the weights of CSD as safetensors"):
        load_csd(path)
