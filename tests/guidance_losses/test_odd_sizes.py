"""References of a picture that VAE Encode crops are cropped in the same place, and those of another size are not."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from guidance_losses import (
    ColorizeLoss,
    DeblurLoss,
    DepthLoss,
    MaskLoss,
    ObjectLoss,
    SegmentationLoss,
    SketchLoss,
    SuperResolutionLoss,
    gaussian_kernel,
    inside,
    mask_boxes,
    shrink,
)
from guidance_losses.loss import boxes_on_picture, kept_part

CPU = torch.device("cpu")
UNITS = (2, 8, 16, 32)


def encoded(length: int, unit: int) -> slice:
    """What the host's VAE Encode keeps of this length."""
    start = length % unit // 2
    return slice(start, start + length // unit * unit)


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("places", [8, 9, 16])
def test_what_is_kept_is_what_vae_encode_keeps(unit, places):
    for rest in {0, 1, 2, unit // 2, unit - 1} - {unit}:
        height, width = unit * places + rest, unit * (places + 1) + (unit - 1 - rest)
        rows, columns = encoded(height, unit), encoded(width, unit)
        assert kept_part((height, width), rows.stop - rows.start, columns.stop - columns.start) == (rows, columns)


@pytest.mark.parametrize("size", [(80, 64), (64, 100), (128, 128), (63, 64), (32, 32)])
def test_a_reference_of_quite_another_size_is_taken_whole(size):
    assert kept_part(size, 64, 64) == (slice(0, size[0]), slice(0, size[1]))


class Dots(nn.Module):
    """A segmentation network that sees brightness."""

    def forward(self, images: Tensor) -> Tensor:
        light = images.mean(1, keepdim=True)
        return torch.cat([light, 1 - light], dim=1) * 4


class Brightness(nn.Module):
    """A depth network to which what is light is near."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(1, keepdim=True)


LARGE = picture(67, 69)
REFERENCES = {
    "mask": (MaskLoss(LARGE, (picture(67, 69, 1) > 0.5).float()), ("image", "known")),
    "colorizing": (ColorizeLoss(LARGE), ("image",)),
    "deblurring": (DeblurLoss(LARGE, gaussian_kernel(5, 1.0)), ("image",)),
    "sketch": (SketchLoss(LARGE), ("drawing",)),
    "segmentation": (SegmentationLoss(Dots(), torch.tensor([0]), torch.ones(1), LARGE), ("picture",)),
    "segmentation by a mask": (
        SegmentationLoss(Dots(), torch.tensor([0]), torch.ones(1), mask=picture(67, 69, 1).round()),
        ("mask",),
    ),
    "depth": (DepthLoss(Brightness(), LARGE), ("picture",)),
    "depth by a map": (DepthLoss(Brightness(), map=picture(67, 69, 1)), ("map",)),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_loss_is_that_of_the_cropped_reference(name):
    loss, fields = REFERENCES[name]
    small = replace(loss, **{field: getattr(loss, field)[..., 1:65, 2:66] for field in fields})
    images = picture(64, 64, seed=1)
    assert_close(loss.fit(1, 64, 64, CPU)(images), small.fit(1, 64, 64, CPU)(images))


def test_known_pixels_are_put_back_from_where_they_were():
    loss, _ = REFERENCES["mask"]
    known = loss.known[..., 1:65, 2:66] > 0
    assert_close(loss.restore(torch.zeros(1, 3, 64, 64)), torch.where(known, LARGE[..., 1:65, 2:66], 0.0))


def test_a_where_mask_is_cropped():
    mask, images = picture(67, 69, 1), picture(64, 64).requires_grad_()
    masked = inside(lambda images: images.sum((1, 2, 3)), mask, 1, 64, 64)
    (gradient,) = torch.autograd.grad(masked(images).sum(), images)
    assert_close(gradient[:, :1], mask[..., 1:65, 2:66])


def test_boxes_are_moved_with_the_crop():
    boxes = torch.tensor([[2.0, 1.0, 66.0, 65.0]])
    assert_close(boxes_on_picture(boxes, (67, 69), 64, 64), torch.tensor([[0.0, 0.0, 64.0, 64.0]]))
    assert_close(boxes_on_picture(boxes, (128, 128), 64, 64), boxes / 2)


class Boxes(nn.Module):
    """A detector that keeps the boxes that it is asked for."""

    def forward(self, image: Tensor, boxes: Tensor, classes: Tensor) -> Tensor:
        self.boxes = boxes
        return image.sum()


def test_a_masks_boxes_lie_on_the_cropped_picture():
    mask = torch.zeros(67, 69)
    mask[11:21, 12:42] = 1
    detector = Boxes()
    loss = ObjectLoss(detector, mask_boxes(mask), torch.tensor([1]), size=(67, 69))
    loss.fit(1, 64, 64, CPU)(picture(64, 64))
    assert_close(detector.boxes, torch.tensor([[10.0, 10.0, 40.0, 20.0]]))


@pytest.mark.parametrize("kernel", ["area", "bicubic"])
@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("unit", [2, 8, 16])
def test_the_true_picture_has_the_small_one_wherever_vae_encode_cropped_it(unit, factor, kernel):
    """Nearly none of the small picture is left out. Bicubic pixels at the border see other neighbours."""
    height, width = (factor * (unit * 16 // factor + more) for more in (1, 2))
    large = nn.functional.interpolate(picture(12, 12), (height, width), mode="bilinear")
    rows, columns = encoded(height, unit), encoded(width, unit)
    loss = SuperResolutionLoss(shrink(large, factor, kernel), factor, kernel, noise_level=1.0)
    size = 1, rows.stop - rows.start, columns.stop - columns.start, CPU
    distance = loss.fit(*size)(large[..., rows, columns]) / loss.values(*size).sqrt()
    assert distance < (1e-6 if kernel == "area" else 0.01)
    assert loss.values(*size) > 3 * (size[1] / factor - 2) * (size[2] / factor - 2)
