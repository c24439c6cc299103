"""Segmentation folders are read without a network or code, and the wrapper gives what transformers itself gives."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close
from torchmetrics.functional.classification import multiclass_jaccard_index
from transformers import (
    MobileViTConfig,
    MobileViTForSemanticSegmentation,
    SegformerConfig,
    SegformerForImageClassification,
    SegformerForSemanticSegmentation,
    SegformerImageProcessor,
)

from embedded.held_out import held_out_faces, held_out_maps
from guidance_losses.networks.segmentation import SegmentationNetwork, load_segmentation_network
from guidance_losses.networks.transformers_folder import Preprocessing
from tools.comfyui import REPOSITORY

EMBEDDED = REPOSITORY / "embedded" / "weights" / "segmentation" / "faces"
TINY = {"hidden_sizes": [8, 8, 8, 8], "num_attention_heads": [1, 1, 1, 1], "depths": [1, 1, 1, 1]}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NAMES = {0: "wall", 1: "sky", 2: "tree", 3: "car", 4: "lamp"}


def pictures(height: int, width: int, count: int = 2) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))


def segformer(**config) -> SegformerForSemanticSegmentation:
    """As published SegFormers are built (stride 4), only narrow, with random weights."""
    torch.manual_seed(0)
    numbers = {name: number for number, name in NAMES.items()}
    settings = (
        TINY | {"decoder_hidden_size": 8, "initializer_range": 0.3, "id2label": NAMES, "label2id": numbers} | config
    )
    return SegformerForSemanticSegmentation(SegformerConfig(**settings)).eval()


def write_folder(folder: Path, network: nn.Module, preprocessing: dict | None = None) -> Path:
    network.save_pretrained(folder)
    if preprocessing is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return folder


def inputs_of(network: SegmentationNetwork) -> list[Tensor]:
    """A list to which all is added that the transformers model sees from now on."""
    seen: list[Tensor] = []
    network.network.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs))
    return seen


@pytest.fixture(scope="module")
def embedded() -> SegmentationNetwork:
    return load_segmentation_network(EMBEDDED)


@pytest.fixture(scope="module")
def faces() -> Tensor:
    return torch.from_numpy(held_out_faces()).permute(0, 3, 1, 2).float() / 255


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_folder(tmp_path / "tiny", segformer())


# What the network sees and says


def test_the_wrapper_gives_what_transformers_own_processor_and_model_give(tmp_path):
    network = segformer()
    processor = SegformerImageProcessor(size={"height": 48, "width": 32})
    processor.save_pretrained(write_folder(tmp_path / "tiny", network))
    images = (255 * pictures(80, 100)).round().to(torch.uint8)
    ours = load_segmentation_network(tmp_path / "tiny")
    seen = inputs_of(ours)
    with torch.no_grad():
        given = ours(images / 255)
        expected = F.interpolate(network(seen[0]).logits, (80, 100), mode="bilinear")
    theirs = processor(list(images), return_tensors="pt")["pixel_values"]
    assert_close(seen[0], theirs, rtol=0, atol=1 / 255 / min(IMAGENET_STD))  # theirs are rounded to bytes, twice
    assert_close(given, expected, rtol=1e-4, atol=1e-4)
    assert expected.std((0, 2, 3)).min() > 0.1


def test_labels_are_the_config_s_names_in_the_logits_order(tmp_path):
    network = load_segmentation_network(write_folder(tmp_path / "tiny", segformer()))
    assert network.labels == list(NAMES.values())


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 47), (512, 256)])
def test_pictures_of_any_size_give_logits_of_their_size(embedded, height, width):
    logits = embedded(pictures(height, width))
    assert logits.shape == (2, 7, height, width)
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("config", "size", "mean", "std"),
    [
        ({}, (50, 100), IMAGENET_MEAN, IMAGENET_STD),
        ({"size": 32}, (32, 32), IMAGENET_MEAN, IMAGENET_STD),
        (
            {"size": {"height": 48, "width": 32}, "do_resize": True},
            (48, 32),
            (0.485, 0.456, 0.406),
            (0.229, 0.224, 0.225),
        ),
        ({"size": {"shortest_edge": 40}}, (40, 80), IMAGENET_MEAN, IMAGENET_STD),
        ({"size": 32, "do_resize": False}, (50, 100), IMAGENET_MEAN, IMAGENET_STD),
        ({"image_mean": [0.5] * 3, "image_std": [0.25] * 3}, (50, 100), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        ({"image_mean": [0.5] * 3, "do_normalize": False}, (50, 100), (0, 0, 0), (1, 1, 1)),
    ],
)
def test_the_preprocessor_s_settings_decide_what_the_network_sees(tmp_path, config, size, mean, std):
    network = load_segmentation_network(write_folder(tmp_path / "tiny", segformer(), config))
    seen = inputs_of(network)
    colour = torch.tensor([0.2, 0.5, 0.9])
    network(colour.view(1, 3, 1, 1).expand(1, 3, 50, 100))
    expected = ((colour - torch.tensor(mean)) / torch.tensor(std)).view(1, 3, 1, 1).expand(1, 3, *size)
    assert_close(seen[0], expected)


def test_a_folder_without_preprocessor_config_gets_the_picture_as_it_is_with_imagenet_s_mean(folder):
    assert not (folder / "preprocessor_config.json").exists()
    assert load_segmentation_network(folder).preprocessing == Preprocessing()


def test_networks_of_another_family_work_and_get_blue_first_if_they_want(tmp_path):
    torch.manual_seed(0)
    config = MobileViTConfig(image_size=64, num_labels=3, hidden_sizes=[16, 16, 16], neck_hidden_sizes=[8] * 7)
    other = MobileViTForSemanticSegmentation(config).eval()
    straight = write_folder(tmp_path / "rgb", other, {"do_normalize": False})
    flipped = write_folder(tmp_path / "bgr", other, {"do_normalize": False, "do_flip_channel_order": True})
    images = pictures(64, 64)
    with torch.no_grad():
        given = load_segmentation_network(flipped)(images)
        assert given.shape == (2, 3, 64, 64)
        assert_close(given, load_segmentation_network(straight)(images.flip(1)))


# Guidance


def test_the_gradient_reaches_every_pixel_and_agrees_with_differences(embedded, faces):
    """Along the gradient of a loss, the loss grows as the gradient says."""
    image = F.interpolate(faces[:1], (80, 72), mode="bilinear").requires_grad_()

    def loss(picture: Tensor) -> Tensor:
        return embedded(picture).softmax(1)[:, 1:3].mean()

    (gradient,) = torch.autograd.grad(loss(image), image)
    assert (gradient != 0).float().mean() > 0.99
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in embedded.parameters())
    direction = gradient / gradient.norm()
    with torch.no_grad():
        slope = (loss(image + 0.01 * direction) - loss(image - 0.01 * direction)) / 0.02
    assert_close(slope, gradient.norm(), rtol=0.05, atol=0)


def test_what_is_said_of_a_picture_does_not_depend_on_its_batch(embedded, faces):
    with torch.no_grad():
        assert_close(embedded(faces[5:6]), embedded(faces[:8])[5:6], rtol=1e-4, atol=1e-4)


def test_the_embedded_network_finds_the_parts_of_faces_it_has_never_seen(embedded, faces):
    assert embedded.labels == ["background", "skin", "hair", "clothes", "eyes", "mouth", "glasses"]
    truth = torch.from_numpy(held_out_maps()).long()
    with torch.no_grad():
        overlap = multiclass_jaccard_index(embedded(faces), truth, len(embedded.labels), average=None)
    assert overlap.mean() > 0.9
    assert overlap.min() > 0.8


# Loading


def test_weights_come_in_single_precision_whatever_the_file_has(tmp_path):
    folder = write_folder(tmp_path / "half", segformer().half())
    assert {tensor.dtype for tensor in load_segmentation_network(folder).parameters()} == {torch.float32}


def refusal(folder: Path) -> str:
    """The sentence with which a folder is refused."""
    with pytest.raises(ValueError, match=r"cannot be used as a segmentation network: .*\.$") as error:
        load_segmentation_network(folder)
    sentence = str(error.value)
    assert sentence.startswith(folder.name)
    assert "\n" not in sentence
    return sentence


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    assert "no folder with a config.json" in refusal(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    assert "no folder with a config.json" in refusal(tmp_path / "empty")


def test_pickled_weights_are_refused_and_never_opened(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"no pickle at all")
    assert "convert them to model.safetensors" in refusal(folder)


def test_a_folder_without_weights_is_refused(folder):
    (folder / "model.safetensors").unlink()
    assert "no weights" in refusal(folder)


def test_a_network_for_another_task_is_refused(tmp_path):
    other = SegformerForImageClassification(SegformerConfig(**TINY))
    assert "it is a SegformerForImageClassification" in refusal(write_folder(tmp_path / "classifier", other))


def test_a_config_that_claims_the_task_without_its_weights_is_refused(tmp_path):
    folder = write_folder(tmp_path / "headless", SegformerForImageClassification(SegformerConfig(**TINY)))
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["SegformerForSemanticSegmentation"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "decode_head" in refusal(folder)


def test_code_in_the_folder_is_not_run(folder):
    witness = folder / "ran"
    (folder / "code.py").write_text(f"open({str(witness)!r}, 'w')\n")
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "unheard_of"}
    config["auto_map"] = {"AutoConfig": "code.Config", "AutoModelForSemanticSegmentation": "code.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    assert "transformers cannot read it" in refusal(folder)
    assert not witness.exists()


@pytest.mark.parametrize("text", ["{", "[]", "\udcff"])
@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_damaged_json_is_refused(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    assert f"its {name} is damaged" in refusal(folder)


def test_damaged_weights_are_refused(folder):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "it is damaged" in refusal(folder)


def test_weights_of_other_shapes_are_refused(tmp_path, folder):
    wide = write_folder(tmp_path / "wide", segformer(decoder_hidden_size=16))
    shutil.copy(wide / "model.safetensors", folder)
    assert "do not fit" in refusal(folder)


@pytest.mark.parametrize("config", [{"size": {"longest_edge": 32}}, {"size": "large"}, {"size": [32, 32]}])
def test_a_size_of_unknown_form_is_refused(folder, config):
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    assert "a size of unknown form" in refusal(folder)


@pytest.mark.parametrize(
    "config", [{"image_mean": [0.5]}, {"image_std": [1, 0, 1]}, {"image_mean": 0.5}, {"image_mean": ["a"] * 3}]
)
def test_a_mean_and_deviation_for_other_channels_are_refused(folder, config):
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    assert "mean and deviation for three channels" in refusal(folder)


def test_a_network_for_other_than_rgb_is_refused(tmp_path):
    assert "2 channels" in refusal(write_folder(tmp_path / "two", segformer(num_channels=2)))
