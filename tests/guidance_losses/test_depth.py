"""The depth loss compares reliefs, whatever their units, through folders of transformers' depth networks."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from transformers import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    DPTImageProcessor,
    GLPNConfig,
    GLPNForDepthEstimation,
)

from guidance_losses import DepthLoss
from guidance_losses.networks.depth import NEAREST, DepthNetwork, load_depth_network
from guidance_losses.networks.transformers_folder import Preprocessing

CPU = torch.device("cpu")
PUBLISHED = {"size": {"height": 518, "width": 518}, "keep_aspect_ratio": True, "ensure_multiple_of": 14}


def depth_anything(folder: Path, prepared: dict | None = None, **config) -> Path:
    """As published ones are built, only small, with random weights."""
    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=56,
        patch_size=14,
        out_indices=[1, 2],
        reshape_hidden_states=False,
        initializer_range=0.3,
        layerscale_value=1.0,
    )
    sizes = {"reassemble_hidden_size": 16, "reassemble_factors": [2, 1], "neck_hidden_sizes": [8, 8]}
    sizes |= {"fusion_hidden_size": 8, "head_hidden_size": 8, "initializer_range": 0.3}
    network = DepthAnythingForDepthEstimation(DepthAnythingConfig(backbone_config=backbone, **(sizes | config)))
    nn.init.constant_(network.head.conv3.bias, 1.0)  # a ReLU follows
    network.save_pretrained(folder)
    if prepared is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder


def dpt(folder: Path) -> Path:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    sizes |= {"image_size": 32, "patch_size": 8, "backbone_out_indices": [0, 1, 2, 3], "neck_hidden_sizes": [8] * 4}
    DPTForDepthEstimation(DPTConfig(**sizes, fusion_hidden_size=8)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> DepthNetwork:
    return load_depth_network(depth_anything(tmp_path_factory.mktemp("models") / "small")).double()


class Light(nn.Module):
    """What is light is near."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(1, keepdim=True)


def pictures(count: int = 2, height: int = 48, width: int = 40, seed: int = 0) -> Tensor:
    shape = (count, 3, height, width)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def value(loss: DepthLoss, images: Tensor) -> Tensor:
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


# The loss


def test_it_is_the_correlation_of_the_two_maps():
    images, reference = pictures(), pictures(1, seed=1)
    found, asked = (part.mean(1).flatten(1).numpy() for part in (images, reference))
    expected = [np.sqrt(2 - 2 * np.corrcoef(row, asked[0])[0, 1]) for row in found]
    assert_close(value(DepthLoss(Light(), reference), images), torch.tensor(expected), rtol=1e-5, atol=0)
    assert_close(value(DepthLoss(Light(), map=reference.mean(1, keepdim=True)), images), torch.tensor(expected))


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (100, 0), (0.01, 0.5), (7, -30)])
def test_the_units_of_a_map_do_not_count_and_its_direction_does(scale, shift):
    images = pictures()
    asked = images.mean(1, keepdim=True)
    same, turned = (value(DepthLoss(Light(), map=sign * scale * asked + shift), images) for sign in (1, -1))
    assert_close(same, torch.zeros(2, dtype=torch.float64), rtol=0, atol=0.02)
    assert_close(turned, torch.full((2,), 2.0, dtype=torch.float64), rtol=0, atol=1e-3)


def test_the_gradient_is_that_of_finite_differences(network):
    image = pictures(1).requires_grad_()
    loss = DepthLoss(network, pictures(1, seed=1)).fit(1, 48, 40, CPU)
    (gradient,) = torch.autograd.grad(loss(image).sum(), image)
    direction, h = gradient / gradient.norm(), 1e-5
    with torch.no_grad():
        slope = (loss(image + h * direction) - loss(image - h * direction)) / (2 * h)
    assert gradient.norm() > 1e-4
    assert_close(slope[0], gradient.norm(), rtol=1e-4, atol=0.0)


@pytest.mark.parametrize("seen_by", ["network", "light"])
def test_black_white_and_noise_pictures_have_finite_values_and_gradients(network, seen_by):
    """To `Light` the first two have no relief at all."""
    noise = pictures(1)
    images = torch.cat([torch.zeros_like(noise), torch.ones_like(noise), noise, 50 * noise - 20]).requires_grad_()
    loss = DepthLoss(network if seen_by == "network" else Light(), pictures(1, seed=1))
    values = value(loss, images)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert values.isfinite().all()
    assert gradient.isfinite().all()
    if seen_by == "light":
        assert_close(values[:2], torch.ones(2, dtype=torch.float64))


def test_a_picture_does_not_depend_on_its_neighbours(network):
    images, references = pictures(), pictures(seed=1)
    together = value(DepthLoss(network, references), images)
    for i in range(2):
        assert_close(together[[i]], value(DepthLoss(network, references[[i]]), images[[i]]), rtol=1e-6, atol=1e-8)
    assert_close(value(DepthLoss(network, images), images), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-6)


def test_what_has_no_relief_or_another_number_is_one_sentence():
    with pytest.raises(ValueError, match="is the same everywhere"):
        value(DepthLoss(Light(), torch.full((1, 3, 8, 8), 0.7)), pictures())
    with pytest.raises(ValueError, match="3 depth maps were given for 2 pictures"):
        value(DepthLoss(Light(), map=pictures(3)[:, :1]), pictures())


def test_maps_are_shown_in_grey_the_nearest_white(network):
    asked, made = DepthLoss(network, pictures(1, 64, 64, seed=1)).compared(pictures())
    for maps in (asked, made):
        assert maps.shape == (2, 3, 48, 40)
        assert maps.amin((1, 2, 3)).tolist() == [0, 0]
        assert maps.amax((1, 2, 3)).tolist() == [1, 1]
    assert_close(made[:, :1].flatten(1).argmax(1), network(pictures()).flatten(1).argmax(1))
    flat, _ = DepthLoss(Light(), torch.zeros(1, 3, 48, 40)).compared(pictures())
    assert flat.isfinite().all()


# The folders


def test_the_wrapper_gives_what_transformers_own_processor_and_model_give(tmp_path):
    prepared = PUBLISHED | {"size": {"height": 56, "width": 56}}
    folder = depth_anything(tmp_path / "small", prepared)
    ours, theirs = load_depth_network(folder), DepthAnythingForDepthEstimation.from_pretrained(folder).eval()
    mean, std = list(ours.preprocessing.mean), list(ours.preprocessing.std)
    processor = DPTImageProcessor(**prepared, resample=2, image_mean=mean, image_std=std)
    images = (255 * pictures(2, 80, 100).float()).round().to(torch.uint8)
    given = processor(list(images), return_tensors="pt")["pixel_values"]
    assert given.shape == (2, 3, 56, 70)
    assert_close(
        ours.seen(images / 255), given, rtol=0, atol=1.1 / 255 / min(std)
    )  # theirs are rounded to bytes, twice
    with torch.no_grad():
        expected = theirs(ours.seen(images / 255)).predicted_depth[:, None]
        assert_close(
            ours(images / 255), nn.functional.interpolate(expected, (80, 100), mode="bilinear", antialias=True)
        )
    assert expected.std() > 0.01


@pytest.mark.parametrize(
    ("height", "width", "seen"),
    [(512, 512, (518, 518)), (512, 1024, (518, 1036)), (768, 512, (784, 518)), (16, 2000, (14, 518))],
)
def test_a_picture_keeps_its_shape_where_the_folder_says_so(height, width, seen):
    """The sizes are those of transformers' own processor; and never nothing."""
    assert Preprocessing.read(PUBLISHED).size_for(height, width) == seen


def test_a_folder_that_says_no_size_gets_that_of_its_network(tmp_path):
    assert load_depth_network(depth_anything(tmp_path / "small")).preprocessing.size_for(48, 40) == (56, 56)


def test_dpt_is_read(tmp_path):
    found = load_depth_network(dpt(tmp_path / "dpt"))(pictures().float())
    assert found.shape == (2, 1, 48, 40)
    assert found.isfinite().all()


def test_metres_become_nearness(tmp_path):
    folder = depth_anything(tmp_path / "metric", depth_estimation_type="metric", max_depth=20)
    metric = load_depth_network(folder)
    with torch.no_grad():
        metres = metric.network(metric.seen(pictures(1, 56, 56).float())).predicted_depth
        assert_close(metric(pictures(1, 56, 56).float())[0], 1 / metres.clamp(min=NEAREST))


def refusal(folder: Path) -> str:
    with pytest.raises(ValueError, match=r"cannot be used as a depth network: .*\.$") as error:
        load_depth_network(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_networks_of_other_kinds_and_pickles_are_refused(tmp_path):
    """GLPN wants its pictures in another way, which its folder does not say."""
    sizes = {"hidden_sizes": [8] * 4, "num_attention_heads": [1] * 4, "depths": [1] * 4, "decoder_hidden_size": 8}
    GLPNForDepthEstimation(GLPNConfig(**sizes)).save_pretrained(tmp_path / "glpn")
    assert "a GLPNForDepthEstimation, and what is needed is a model for depth" in refusal(tmp_path / "glpn")
    folder = dpt(tmp_path / "dpt")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "its weights are a pickle" in refusal(folder)


@pytest.mark.parametrize("multiple", [-14, 0.5, "14", [14], 10**9])
def test_sizes_that_cannot_be_are_refused(tmp_path, multiple):
    folder = depth_anything(tmp_path / "small", PUBLISHED | {"ensure_multiple_of": multiple})
    assert "which no size can be" in refusal(folder)


def test_a_damaged_description_is_refused(tmp_path):
    folder = depth_anything(tmp_path / "small")
    config = json.loads((folder / "config.json").read_text())
    for changes in ({"neck_hidden_sizes": [8, 16]}, {"backbone_config": None}, {"head_in_index": 7}):
        (folder / "config.json").write_text(json.dumps(config | changes))
        assert "transformers cannot read it" in refusal(folder) or "larger network" in refusal(folder)
    (folder / "config.json").write_text(json.dumps(config)[:-9])
    assert "its config.json is damaged" in refusal(folder)
