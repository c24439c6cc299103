"""Object location: the detector's own loss, its gradient, and the boxes that masks stand for."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.testing import assert_close
from torchvision.models import get_model
from torchvision.models.detection import FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator

from guidance_losses import BOXES, ObjectLoss, mask_boxes
from guidance_losses.networks.object_detector import DETECTORS, ObjectDetector, fresh_network, load_object_detector

CPU = torch.device("cpu")
SIZE = 48
LABELS = {1: "cat", 2: "dog"}
FULL_SIZE = "fasterrcnn_mobilenet_v3_large_320_fpn"


class TinyBackbone(nn.Sequential):
    """Features at a stride of 8."""

    out_channels = 16

    def __init__(self):
        widths = (3, 8, 16, 16)
        layers = [nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.SiLU()) for a, b in pairwise(widths)]
        super().__init__(*layers)


def awake(network: nn.Module) -> nn.Module:
    """Random weights through which a picture shows; as they are when new, training would have to begin with that."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean of all that it sees
    with torch.no_grad():
        network.train().backbone(torch.rand(4, 3, 128, 128))
    return network


def tiny(kind: Callable[..., nn.Module]) -> ObjectDetector:
    """A detector of torchvision's with a narrow backbone and random weights, in double precision."""
    torch.manual_seed(0)
    anchors = AnchorGenerator(((12, 24, 36),), ((0.5, 1.0, 2.0),))
    name = "rpn_anchor_generator" if kind is FasterRCNN else "anchor_generator"
    network = kind(TinyBackbone(), 3, min_size=SIZE, max_size=SIZE, **{name: anchors})
    return ObjectDetector(awake(network).double(), LABELS)


DETECTORS_OF = {"RetinaNet": partial(tiny, RetinaNet), "Faster R-CNN": partial(tiny, FasterRCNN)}


def loss_of(detector: ObjectDetector) -> ObjectLoss:
    """A dog on the left, a cat on the right."""
    boxes = torch.tensor([[0.05, 0.2, 0.45, 0.9], [0.5, 0.1, 0.95, 0.6]])
    return ObjectLoss(detector, boxes, torch.tensor([2, 1]))


def noise(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, SIZE, SIZE, generator=generator, dtype=torch.float64)


def value_and_gradient(loss: ObjectLoss, images: Tensor) -> tuple[Tensor, Tensor]:
    leaf = images.clone().requires_grad_()
    values = loss.fit(len(images), *images.shape[-2:], CPU)(leaf)
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), gradient


@pytest.fixture(scope="module", params=DETECTORS_OF)
def detector(request) -> ObjectDetector:
    return DETECTORS_OF[request.param]()


def test_the_gradient_is_that_of_finite_differences():
    """Of RetinaNet: Faster R-CNN's proposals change with the picture, and carry no gradient by its design."""
    loss, images = loss_of(tiny(RetinaNet)), noise(1)
    _, gradient = value_and_gradient(loss, images)
    generator = torch.Generator().manual_seed(1)
    for direction in (gradient, *torch.randn(3, *images.shape, generator=generator, dtype=torch.float64)):
        direction = direction / direction.norm()
        above, below = (value_and_gradient(loss, images + sign * 1e-5 * direction)[0] for sign in (1, -1))
        expected = (gradient * direction).sum()
        assert_close((above - below)[0] / 2e-5, expected, rtol=1e-3, atol=1e-4 * float(gradient.norm()))


def test_it_is_the_detector_s_own_loss(detector):
    """As torchvision's training computes it, of boxes in pixels."""
    images = noise(1)
    torch.manual_seed(0)
    boxes = torch.tensor([[0.05, 0.2, 0.45, 0.9], [0.5, 0.1, 0.95, 0.6]]).double() * SIZE
    expected = detector.network([images[0]], [{"boxes": boxes, "labels": torch.tensor([2, 1])}])
    assert_close(value_and_gradient(loss_of(detector), images)[0][0], sum(expected.values()), rtol=1e-5, atol=0)


def test_black_white_and_noise_pictures_have_finite_values_and_gradients(detector):
    black = torch.zeros(1, 3, SIZE, SIZE, dtype=torch.float64)
    values, gradient = value_and_gradient(
        loss_of(detector), torch.cat([black, black + 1, noise(1), 50 * noise(1) - 20])
    )
    assert values.shape == (4,)
    assert values.isfinite().all()
    assert gradient.isfinite().all()
    assert gradient[2].norm() > 1e-4


def test_a_picture_does_not_depend_on_its_neighbours(detector):
    """Nor on what was drawn at random before, which the loss leaves as it was."""
    images = noise(2)
    together, gradient = value_and_gradient(loss_of(detector), images)
    torch.manual_seed(7)
    alone = [value_and_gradient(loss_of(detector), image[None]) for image in images]
    drawn = torch.rand(1)
    assert_close(together, torch.cat([value for value, _ in alone]))
    assert_close(gradient, torch.cat([gradient for _, gradient in alone]))
    torch.manual_seed(7)
    assert drawn == torch.rand(1)


def test_the_statistics_of_the_batch_normalisation_stay(detector):
    before = {name: buffer.clone() for name, buffer in detector.named_buffers()}
    value_and_gradient(loss_of(detector), 5 * noise(2))
    assert all(torch.equal(buffer, before[name]) for name, buffer in detector.named_buffers())
    assert not any(parameter.requires_grad for parameter in detector.parameters())


def test_a_step_down_the_gradient_lowers_the_loss(detector):
    images, loss = noise(2), loss_of(detector)
    values, gradient = value_and_gradient(loss, images)
    lower, _ = value_and_gradient(loss, images - 0.01 * gradient / gradient.norm())
    assert (lower < values).all()


# Boxes of masks


def two_squares() -> Tensor:
    """On 20×10 pixels: one of 4×2, and one of 5×5 with a corner that touches a single pixel."""
    mask = torch.zeros(10, 20)
    mask[1:3, 2:6] = 1
    mask[4:9, 10:15] = 0.6
    mask[9, 15] = 1
    mask[0, 19] = 0.4
    return mask


def test_a_mask_s_box_holds_all_that_is_white():
    assert_close(mask_boxes(two_squares()), torch.tensor([[2 / 20, 1 / 10, 16 / 20, 1.0]]))


def test_each_white_region_has_a_box_of_its_own():
    expected = torch.tensor([[2 / 20, 1 / 10, 6 / 20, 3 / 10], [10 / 20, 4 / 10, 16 / 20, 1.0]])
    assert_close(mask_boxes(two_squares(), BOXES[1]), expected)


@pytest.mark.parametrize("boxes", BOXES)
def test_a_black_mask_has_no_box_and_a_white_one_the_whole_picture(boxes):
    assert mask_boxes(torch.zeros(4, 6), boxes).shape == (0, 4)
    assert_close(mask_boxes(torch.ones(4, 6), boxes), torch.tensor([[0.0, 0, 1, 1]]))


# Detectors in files


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return awake(get_model(FULL_SIZE, weights=None, weights_backbone=None)).state_dict()


@pytest.fixture(scope="module")
def file(weights, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("detection") / "detector.pth"
    torch.save(weights, path)
    return path


def test_a_detector_of_full_size_comes_from_its_file_and_a_picture_follows_its_gradient(file):
    detector = load_object_detector(file, FULL_SIZE)
    assert detector.labels[1] == "person"
    assert detector.labels[90] == "toothbrush"
    assert len(detector.labels) == 80
    mask = torch.zeros(1, 64, 64)
    mask[:, 16:60, 8:40] = 1
    loss = ObjectLoss(detector, mask_boxes(mask[0]), torch.tensor([18])).fit(1, 64, 64, CPU)
    images, values = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)), []
    for _ in range(10):
        images.requires_grad_()
        value = loss(images).sum()
        (gradient,) = torch.autograd.grad(value, images)
        assert gradient.isfinite().all()
        assert gradient.norm() > 1e-3
        values.append(value.item())
        images = (images - 0.5 * gradient / gradient.norm()).detach()
    assert sum(values[-3:]) / 3 < 0.8 * values[0]  # not at each step: its proposals jump


def test_safetensors_hold_the_same(weights, file, tmp_path):
    save_file(weights, tmp_path / "detector.safetensors")
    detector = load_object_detector(tmp_path / "detector.safetensors", FULL_SIZE)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in detector.network.state_dict().items())


def test_a_file_of_another_architecture_or_of_code_is_refused(file, tmp_path):
    with pytest.raises(ValueError, match=r"detector.pth cannot be used .* not those of a fcos_resnet50_fpn, .*\.$"):
        load_object_detector(file, "fcos_resnet50_fpn")
    torch.save({"model": nn.Linear(1, 1)}, tmp_path / "code.pth")
    with pytest.raises(ValueError, match=r"code.pth cannot be used as an object detector: .* more than weights.*\.$"):
        load_object_detector(tmp_path / "code.pth", FULL_SIZE)


def test_each_architecture_is_one_of_torchvision_s_or_the_small_one():
    for architecture in (*DETECTORS[:-1],):
        assert get_model(architecture, weights=None, weights_backbone=None).transform.min_size[0] >= 320
    assert DETECTORS[-1] == "fcos_small"


@pytest.mark.parametrize("architecture", [FULL_SIZE, "retinanet_resnet50_fpn", "fcos_resnet50_fpn", "fcos_small"])
def test_a_detector_of_a_user_s_own_classes_has_the_names_in_its_file(architecture, tmp_path):
    path = tmp_path / "own.safetensors"
    save_file(fresh_network(architecture, 4).state_dict(), path, {"labels": '{"1": "cup", "2": "plate", "3": "spoon"}'})
    assert load_object_detector(path, architecture).labels == {1: "cup", 2: "plate", 3: "spoon"}
    assert load_object_detector(path, architecture).network.training  # its losses are those of its training


def test_classes_without_names_have_numbers(tmp_path):
    save_file(fresh_network("fcos_small", 3).state_dict(), tmp_path / "own.safetensors")
    assert load_object_detector(tmp_path / "own.safetensors", "fcos_small").labels == {1: "class 1", 2: "class 2"}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("{", "no JSON object"),
        ("[1, 2]", "no JSON object"),
        ('{"a": "cup"}', "no JSON object"),
        ('{"1": 2}', "no JSON object"),
        ('{"1": ""}', "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        ('{"1": "%s"}' % (1000 * "x"), "no JSON object"),
        ('{"0": "nothing", "1": "cup"}', "not of its 2 classes"),
        ('{"3": "cup"}', "not of its 2 classes"),
    ],
)
def test_labels_that_are_none_are_refused_in_a_sentence(labels, said, tmp_path):
    save_file(fresh_network("fcos_small", 3).state_dict(), tmp_path / "own.safetensors", {"labels": labels})
    with pytest.raises(ValueError, match=rf"own.safetensors cannot be used as an object detector: .*{said}.*\.$"):
        load_object_detector(tmp_path / "own.safetensors", "fcos_small")
