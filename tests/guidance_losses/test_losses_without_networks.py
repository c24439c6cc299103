"""What every loss must keep, for those that need no network."""

from collections.abc import Callable

import pytest
import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor
from torch.testing import assert_close

from guidance_losses import (
    ColorizeLoss,
    DeblurLoss,
    Loss,
    MaskLoss,
    MeasuredLoss,
    PaletteLoss,
    SketchLoss,
    SuperResolutionLoss,
    blur,
    gaussian_kernel,
    motion_kernel,
    shrink,
)

CPU = torch.device("cpu")
SIZE = 16
KNOWN = (torch.arange(SIZE) % 3 == 0).double().expand(1, 1, SIZE, SIZE)

# Name → the loss whose measurement was made of these pictures.
MEASURED: dict[str, Callable[[Tensor], Loss]] = {
    "mask": lambda truth: MaskLoss(truth, KNOWN.to(truth).expand(len(truth), -1, -1, -1)),
    "super-resolution, bicubic": lambda truth: SuperResolutionLoss(shrink(truth, 4, "bicubic"), 4, "bicubic"),
    "super-resolution, area": lambda truth: SuperResolutionLoss(shrink(truth, 2, "area"), 2, "area"),
    "deblurring, gaussian": lambda truth: DeblurLoss(blur(truth, gaussian_kernel(7, 1.5)), gaussian_kernel(7, 1.5)),
    "deblurring, motion": lambda truth: DeblurLoss(blur(truth, motion_kernel(5, 30)), motion_kernel(5, 30)),
    "colorizing": ColorizeLoss,
    "palette": PaletteLoss,
}
LOSSES = MEASURED | {
    "sketch, dark lines": SketchLoss,
    "sketch, light lines": lambda drawing: SketchLoss(drawing, dark_lines=False),
}


def pictures(seed: int, batch: int = 2) -> Tensor:
    return torch.rand(batch, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def value_and_gradient(loss: Loss, images: Tensor) -> tuple[Tensor, Tensor]:
    leaf = images.clone().requires_grad_()
    values = loss.fit(len(images), *images.shape[-2:], CPU)(leaf)
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), gradient


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_finite_differences(name):
    images = pictures(0, 1).requires_grad_()
    fitted = LOSSES[name](pictures(1, 1)).fit(1, SIZE, SIZE, CPU)
    assert torch.autograd.gradcheck(fitted, images, fast_mode=True)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "reference", [torch.zeros(1, 3, SIZE, SIZE), torch.ones(1, 3, SIZE, SIZE), pictures(0, 1).float()]
)
def test_black_white_and_noise_pictures_have_finite_values_and_gradients(name, reference):
    noise = pictures(0, 1).float()
    images = torch.cat([torch.zeros_like(noise), torch.ones_like(noise), noise, 50 * noise - 20])
    values, gradient = value_and_gradient(LOSSES[name](reference), images)
    assert values.shape == (4,)
    assert values.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_each_picture_is_compared_with_its_own_reference(name):
    images, references = pictures(0), pictures(1)
    together, gradient = value_and_gradient(LOSSES[name](references), images)
    alone = [value_and_gradient(LOSSES[name](references[[i]]), images[[i]]) for i in range(2)]
    assert_close(together, torch.cat([value for value, _ in alone]))
    assert_close(gradient, torch.cat([gradient for _, gradient in alone]))


@pytest.mark.parametrize("name", LOSSES)
def test_one_reference_serves_all_pictures(name):
    images, reference = pictures(0, 3), pictures(1, 1)
    once, _ = value_and_gradient(LOSSES[name](reference), images)
    assert_close(value_and_gradient(LOSSES[name](reference.repeat(3, 1, 1, 1)), images)[0], once)


@pytest.mark.parametrize("name", LOSSES)
def test_three_references_for_two_pictures_are_an_error_that_says_so(name):
    with pytest.raises(ValueError, match=r"3 .* were given for 2 pictures; give one"):
        LOSSES[name](pictures(0, 3)).fit(2, SIZE, SIZE, CPU)


@pytest.mark.parametrize("name", MEASURED)
def test_the_truth_has_a_loss_of_zero_and_no_gradient(name):
    truth = pictures(0)
    values, gradient = value_and_gradient(MEASURED[name](truth), truth)
    assert torch.equal(values, torch.zeros_like(values))
    assert torch.equal(gradient, torch.zeros_like(gradient))


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_down_the_gradient_lowers_the_loss(name):
    images, loss = pictures(0), LOSSES[name](pictures(1))
    values, gradient = value_and_gradient(loss, images)
    lower, _ = value_and_gradient(loss, images - 0.01 * gradient / gradient.norm())
    assert (lower < values).all()


NOISY = {
    "mask": lambda y, noise: MaskLoss(y + noise, KNOWN.float(), 0.1),
    "super-resolution": lambda y, noise: SuperResolutionLoss(
        shrink(y, 2, "area") + noise[..., ::2, ::2], 2, "area", 0.1
    ),
    "deblurring": lambda y, noise: DeblurLoss(blur(y, motion_kernel(5, 0)) + noise, motion_kernel(5, 0), 0.1),
}


@pytest.mark.parametrize("name", NOISY)
def test_the_floor_is_the_loss_that_the_noise_explains(name):
    """The loss of the truth, on 32 noisy measurements of it."""
    truth = pictures(0, 1).float().expand(32, -1, -1, -1)
    noise = 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    loss = NOISY[name](truth, noise)
    values, _ = value_and_gradient(loss, truth)
    floor = loss.noise_level * loss.values(32, SIZE, SIZE, CPU).sqrt()
    assert floor.shape == (32,)
    assert floor.mean() == pytest.approx(float(values.mean()), rel=0.03)


def test_the_floor_of_colorizing_is_that_of_noise_in_the_luminance():
    truth = pictures(0, 1).float().expand(32, -1, -1, -1)
    noise = 0.1 * torch.randn(32, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    loss = ColorizeLoss(rgb_to_grayscale(truth) + noise.expand_as(truth), 0.1)
    values, _ = value_and_gradient(loss, truth)
    floor = loss.noise_level * loss.values(32, SIZE, SIZE, CPU).sqrt()
    assert floor.mean() == pytest.approx(float(values.mean()), rel=0.03)


def test_losses_against_a_measurement_say_how_many_numbers_they_compare():
    for name in MEASURED.keys() - {"palette"}:
        loss = MEASURED[name](pictures(0, 1))
        assert isinstance(loss, MeasuredLoss), name
        assert (loss.values(2, SIZE, SIZE, CPU) > 0).all(), name
        assert loss.noise_level == 0, name
    assert not isinstance(PaletteLoss(pictures(0)), MeasuredLoss)
    assert not isinstance(SketchLoss(pictures(0)), MeasuredLoss)
