"""The classifier loss is −log p of what is asked for, through any folder of transformers' classifiers."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close
from transformers import (
    ResNetConfig,
    ResNetForImageClassification,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    ViTConfig,
    ViTForImageClassification,
)

from guidance_losses import ClassifierLoss
from guidance_losses.networks.classifier import ClassifierNetwork, load_classifier

CPU = torch.device("cpu")
NAMES = {0: "tench, Tinca tinca", 1: "tabby", 2: "tiger cat", 3: "crane"}
VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "image_size": 32}


def vit(folder: Path, prepared: dict | None = None) -> Path:
    """A small ViT with random weights."""
    torch.manual_seed(0)
    config = ViTConfig(**VIT, patch_size=8, id2label=NAMES, initializer_range=0.3)
    ViTForImageClassification(config).save_pretrained(folder)
    if prepared is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> ClassifierNetwork:
    return load_classifier(vit(tmp_path_factory.mktemp("models") / "vit")).double()


def pictures(count: int = 2, height: int = 48, width: int = 40) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def value(network: ClassifierNetwork, classes: list[int], images: Tensor) -> Tensor:
    loss = ClassifierLoss(network, torch.tensor(classes))
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


def test_it_is_the_cross_entropy_and_of_several_classes_that_of_their_sum(classifier):
    images = pictures()
    logits = classifier(images)
    assert_close(value(classifier, [2], images), F.cross_entropy(logits, torch.tensor([2, 2]), reduction="none"))
    assert_close(value(classifier, [1, 2], images), -logits.softmax(1)[:, 1:3].sum(1).log())
    assert_close(value(classifier, [0, 1, 2, 3], images), torch.zeros(2, dtype=torch.float64))


def test_the_gradient_is_that_of_finite_differences(classifier):
    image = pictures(1).requires_grad_()
    (gradient,) = torch.autograd.grad(value(classifier, [1], image).sum(), image)
    direction, h = gradient / gradient.norm(), 1e-5
    with torch.no_grad():
        above, below = (value(classifier, [1], image + sign * h * direction) for sign in (1, -1))
    assert gradient.norm() > 1e-4
    assert_close((above - below)[0] / (2 * h), gradient.norm(), rtol=1e-4, atol=0.0)


def test_black_white_and_noise_pictures_have_finite_values_and_gradients(classifier):
    noise = pictures(1)
    images = torch.cat([torch.zeros_like(noise), torch.ones_like(noise), noise, 50 * noise - 20]).requires_grad_()
    values = value(classifier, [3], images)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert values.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    "prepared",
    [
        {"size": {"height": 32, "width": 32}},
        {"size": {"shortest_edge": 32}},
        {"size": {"shortest_edge": 64}, "crop_size": {"height": 32, "width": 32}, "do_center_crop": True},
        None,
    ],
)
def test_a_picture_of_any_shape_is_seen_whole_in_the_network_s_square(tmp_path, prepared):
    network = load_classifier(vit(tmp_path / "vit", prepared))
    assert network.labels == list(NAMES.values())
    assert network.preprocessing.size_for(48, 40) == (32, 32)
    assert network(pictures().float()).shape == (2, 4)


def test_networks_of_another_family_are_read(tmp_path):
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", id2label=NAMES)
    ResNetForImageClassification(config).save_pretrained(tmp_path / "resnet")
    assert load_classifier(tmp_path / "resnet")(pictures().float()).shape == (2, 4)


def test_a_network_for_another_task_and_a_pickle_are_refused(tmp_path):
    sizes = {"hidden_sizes": [8] * 4, "num_attention_heads": [1] * 4, "depths": [1] * 4}
    SegformerForSemanticSegmentation(SegformerConfig(**sizes)).save_pretrained(tmp_path / "other")
    with pytest.raises(ValueError, match="what is needed is a model for image classification"):
        load_classifier(tmp_path / "other")
    folder = vit(tmp_path / "vit")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="its weights are a pickle"):
        load_classifier(folder)
