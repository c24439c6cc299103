"""The pose loss compares the heatmaps of the reference's sure keypoints, through folders of ViTPose."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from transformers import (
    SegformerConfig,
    SegformerForSemanticSegmentation,
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
    VitPoseImageProcessor,
)

from guidance_losses import PoseLoss
from guidance_losses.networks.pose import PoseNetwork, Region, cut_out, load_pose_network
from guidance_losses.pose import SURE, surest_places, with_lines

CPU = torch.device("cpu")
ROWS, COLUMNS = 32, 24


def vitpose(folder: Path, prepared: dict | None = None, keypoints: int = 17, **backbone) -> Path:
    """As published ones are built, only small, with random weights; of every second keypoint it is never sure."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_ratio": 2, "patch_size": [8, 8]}
    sizes |= {"image_size": [ROWS, COLUMNS], "out_indices": [2], "initializer_range": 0.3}
    config = VitPoseConfig(
        backbone_config=VitPoseBackboneConfig(**(sizes | backbone)), num_labels=keypoints, initializer_range=0.1
    )
    network = VitPoseForPoseEstimation(config)
    nn.init.constant_(network.head.conv.bias[1::2], -50)
    network.save_pretrained(folder)
    if prepared is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> PoseNetwork:
    return load_pose_network(vitpose(tmp_path_factory.mktemp("models") / "small")).double()


def pictures(count: int = 2, height: int = 48, width: int = 40, seed: int = 0) -> Tensor:
    shape = (count, 3, height, width)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def value(loss: PoseLoss, images: Tensor) -> Tensor:
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


def whole(network: PoseNetwork, images: Tensor) -> Region:
    return network.region(torch.tensor([0, 0, images.shape[-1], images.shape[-2]]))


# The loss


def test_it_is_the_distance_of_the_sure_keypoints_heat(network):
    images, reference = pictures(), pictures(1, seed=1)
    region = whole(network, images)
    found, asked = network(images, region), network(reference, region)
    sure = asked[0].flatten(1).amax(1) > SURE
    assert 0 < sure.sum() < len(sure)
    expected = (found - asked)[:, sure].flatten(1).norm(dim=1) / asked[:, sure].norm()
    assert_close(value(PoseLoss(network, reference), images), expected)
    assert_close(value(PoseLoss(network, images), images), torch.zeros(2, dtype=torch.float64))


def test_the_gradient_is_that_of_finite_differences(network):
    image = pictures(1).requires_grad_()
    loss = PoseLoss(network, pictures(1, seed=1)).fit(1, 48, 40, CPU)
    (gradient,) = torch.autograd.grad(loss(image).sum(), image)
    direction, h = gradient / gradient.norm(), 1e-5
    with torch.no_grad():
        slope = (loss(image + h * direction) - loss(image - h * direction)) / (2 * h)
    assert gradient.norm() > 1e-4
    assert_close(slope[0], gradient.norm(), rtol=1e-4, atol=0.0)


def test_black_white_and_noise_pictures_have_finite_values_and_gradients(network):
    noise = pictures(1)
    images = torch.cat([torch.zeros_like(noise), torch.ones_like(noise), noise, 50 * noise - 20]).requires_grad_()
    values = value(PoseLoss(network, pictures(1, seed=1)), images)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert values.isfinite().all()
    assert gradient.isfinite().all()


def test_a_picture_does_not_depend_on_its_neighbours(network):
    images, references = pictures(), pictures(seed=1)
    together = value(PoseLoss(network, references), images)
    for i in range(2):
        assert_close(together[[i]], value(PoseLoss(network, references[[i]]), images[[i]]), rtol=1e-6, atol=1e-8)


def test_the_person_s_mask_says_where_the_network_looks_also_at_another_size(network):
    """What is far from the mask does not count; the reference is twice as large as the picture."""
    reference, mask = pictures(1, 128, 128, seed=1), torch.zeros(1, 1, 128, 128)
    mask[..., 16:48, 8:32] = 1
    loss = PoseLoss(network, reference, mask)
    images = pictures(1, 64, 64).expand(2, -1, -1, -1).clone()
    images[1, :, 40:, 40:] = 0
    first, second = value(loss, images).tolist()
    assert first == second
    without = value(PoseLoss(network, reference), images)
    assert without[0] != without[1]


def test_a_reference_without_a_person_or_another_number_is_one_sentence(tmp_path, network):
    faint = load_pose_network(vitpose(tmp_path / "faint")).double()
    with torch.no_grad():
        faint.network.head.conv.weight *= 1e-3
    with pytest.raises(ValueError, match="sees no person on reference picture 1"):
        value(PoseLoss(faint, pictures(1)), pictures())
    with pytest.raises(ValueError, match="3 reference images were given for 2 pictures"):
        value(PoseLoss(network, pictures(3)), pictures())


# What is shown


def test_the_surest_places_are_in_the_picture_s_pixels():
    heat = torch.zeros(1, 2, 4, 3)
    heat[0, 0, 3, 1], heat[0, 1, 0, 2] = 0.9, 0.1
    points, sure = surest_places(heat, Region(-10, 20, 20, 60))
    assert_close(points, torch.tensor([[[5.0, 55.0], [15.0, 25.0]]]))
    assert sure.tolist() == [[True, False]]


def test_lines_are_drawn_where_they_are_there():
    starts, ends = torch.tensor([[[2.0, 5.0], [8.0, 8.0]]]), torch.tensor([[[7.0, 5.0], [8.0, 8.0]]])
    for there in ([True, False], [True, True], [False, False]):
        drawn = with_lines(torch.zeros(1, 3, 10, 10), starts, ends, torch.tensor([there]))
        red = drawn[0, 0] > 0.9
        assert bool(red[4:6, 3:7].all()) == there[0]
        assert bool(red[8, 8]) == there[1]
        assert red.any() == any(there)
        assert not red[:3].any()


@pytest.mark.parametrize("keypoints", [17, 5])
def test_keypoints_are_shown_on_the_pictures(tmp_path, keypoints):
    other = load_pose_network(vitpose(tmp_path / "other", keypoints=keypoints)).double()
    images = pictures(2, 64, 64) / 2
    asked, made = PoseLoss(other, pictures(1, 64, 64, seed=1) / 2).compared(images)
    assert made.shape == images.shape
    assert asked.shape == (1, 3, 64, 64)
    assert (made[:, 0] == 1).any()
    assert_close(made[:, 0][made[:, 0] != 1], images[:, 0][made[:, 0] != 1])


# The folders


@pytest.mark.parametrize("box", [(0, 0, 100, 80), (30, 10, 70, 70)])
def test_the_wrapper_gives_what_transformers_own_processor_and_model_give(tmp_path, box):
    """Their picture is interpolated at points, ours is averaged: so it is a smooth one, dark at the border."""
    folder = vitpose(tmp_path / "small", {"size": {"height": ROWS, "width": COLUMNS}})
    ours = load_pose_network(folder)
    rows, columns = torch.arange(80)[:, None] / 80, torch.arange(100) / 100
    light = torch.sin(torch.pi * rows) * torch.sin(torch.pi * columns)
    image = torch.stack([light * (0.5 + 0.4 * torch.sin(3 * rows + 4 * columns + k)) for k in range(3)])
    left, top, right, bottom = box
    processor = VitPoseImageProcessor(size={"height": ROWS, "width": COLUMNS})
    boxes = [[[left, top, right - left, bottom - top]]]
    theirs = processor((255 * image).byte().movedim(0, -1).numpy(), boxes=boxes, return_tensors="pt")["pixel_values"]
    seen = ours.seen(cut_out(image[None], ours.region(torch.tensor(box))))
    assert seen.shape == theirs.shape
    assert (seen - theirs).abs().median() < 0.1
    assert np.corrcoef(seen.flatten(), theirs.flatten())[0, 1] > 0.97


@pytest.mark.parametrize("experts", [1, 3])
def test_networks_of_several_experts_are_read_and_answer_as_transformers_own(tmp_path, experts):
    folder = vitpose(tmp_path / "plus", num_experts=experts, part_features=4)
    ours, theirs = load_pose_network(folder), VitPoseForPoseEstimation.from_pretrained(folder).eval()
    images = pictures().float()
    region = whole(ours, images)
    with torch.no_grad():
        expected = theirs(ours.seen(cut_out(images, region)), dataset_index=torch.zeros(2, dtype=torch.long)).heatmaps
        assert_close(ours(images, region), expected)
    assert expected.shape == (2, 17, 16, 12)


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (39, 47, 40, 48), (0, 0, 40, 48), (10, 0, 11, 48)])
def test_a_region_of_any_box_has_pixels_of_the_picture(network, box):
    images = pictures()
    region = network.region(torch.tensor(box))
    cut = cut_out(images, region)
    assert cut.shape[-2:] == (region.bottom - region.top, region.right - region.left)
    assert (cut > 0).any()
    assert network(images, region).isfinite().all()


def refusal(folder: Path) -> str:
    with pytest.raises(ValueError, match=r"cannot be used as a pose network: .*\.$") as error:
        load_pose_network(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_networks_of_other_kinds_and_pickles_are_refused(tmp_path):
    sizes = {"hidden_sizes": [8] * 4, "num_attention_heads": [1] * 4, "depths": [1] * 4}
    SegformerForSemanticSegmentation(SegformerConfig(**sizes)).save_pretrained(tmp_path / "other")
    assert "what is needed is a model for pose estimation" in refusal(tmp_path / "other")
    folder = vitpose(tmp_path / "pickle")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "its weights are a pickle" in refusal(folder)


def test_a_damaged_description_is_refused(tmp_path):
    folder = vitpose(tmp_path / "small")
    config = json.loads((folder / "config.json").read_text())
    for changes in ({"model_type": "segformer"}, {"backbone_config": None}, {"scale_factor": "four"}):
        (folder / "config.json").write_text(json.dumps(config | changes))
        assert refusal(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 64, "width": 64}}))
    assert "transformers cannot read it" in refusal(folder)
