"""Brightness, contrast, sharpness, symmetry, and a colour at a place."""

import numpy as np
import pytest
import scipy.ndimage
import torch
from torch import Tensor
from torch.testing import assert_close

from guidance_losses import (
    ADJUSTMENTS,
    MIRRORS,
    AdjustmentLoss,
    ColorLoss,
    InputError,
    Loss,
    SymmetryLoss,
    VisibleLoss,
)

CPU = torch.device("cpu")
SIZE = 16
NAVY = torch.tensor([[0.0, 0.0, 0.5]], dtype=torch.float64)
LEFT = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
LEFT[..., : SIZE // 2] = 1
LOSSES: dict[str, Loss] = {
    **{what: AdjustmentLoss(what, 0.3) for what in ADJUSTMENTS},
    **{f"{what} at a place": AdjustmentLoss(what, 0.3, LEFT) for what in ADJUSTMENTS},
    **{f"symmetry, {mirror}": SymmetryLoss(mirror) for mirror in MIRRORS},
    "colour": ColorLoss(NAVY),
    "colour at a place": ColorLoss(NAVY, LEFT),
}


def pictures(seed: int, batch: int = 2) -> Tensor:
    return torch.rand(batch, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def value(loss: Loss, images: Tensor) -> Tensor:
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


def measured(what: str, images: Tensor, place: Tensor | None = None) -> Tensor:
    return value(AdjustmentLoss(what, 0.0, place), images)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_finite_differences(name):
    loss = LOSSES[name].fit(2, SIZE, SIZE, CPU)
    assert torch.autograd.gradcheck(loss, pictures(0).requires_grad_(), fast_mode=True)


@pytest.mark.parametrize("name", LOSSES)
def test_black_white_and_noise_are_finite(name):
    noise = pictures(1, 1)
    images = torch.cat([torch.zeros_like(noise), torch.ones_like(noise), noise, 50 * noise - 20]).requires_grad_()
    values = value(LOSSES[name], images)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert values.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_down_the_gradient_lowers_the_loss(name):
    images = pictures(2).requires_grad_()
    values = value(LOSSES[name], images)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert (value(LOSSES[name], images - 0.001 * gradient / gradient.norm()) < values).all()


@pytest.mark.parametrize("name", LOSSES)
def test_each_shows_what_it_compares(name):
    loss = LOSSES[name]
    assert isinstance(loss, VisibleLoss)
    _, made = loss.compared(pictures(3))
    assert made.shape == (2, 3, SIZE, SIZE)


def luminance(images: Tensor) -> np.ndarray:
    return np.einsum("c,bchw->bhw", [0.299, 0.587, 0.114], images.numpy())


@pytest.mark.parametrize("place", [None, LEFT], ids=["everywhere", "left"])
def test_the_numbers_are_those_of_numpy_and_scipy(place):
    images = pictures(4)
    part = slice(None) if place is None else slice(0, SIZE // 2)
    light = luminance(images)
    fine = light - scipy.ndimage.gaussian_filter(light, (0, 1, 1), mode="mirror", radius=(0, 2, 2))
    light, fine = light[..., part], fine[..., part]
    spread = light.std((1, 2))
    np.testing.assert_allclose(measured("brightness", images, place), light.mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(measured("contrast", images, place), 2 * spread, rtol=1e-6)
    np.testing.assert_allclose(measured("sharpness", images, place), fine.std((1, 2)) / (spread + 1e-3), rtol=1e-6)


def test_the_ends_of_the_scales():
    half = LEFT.expand(1, 3, -1, -1)
    assert_close(measured("contrast", half), torch.ones(1, dtype=torch.float64))
    assert_close(measured("brightness", half), torch.full((1,), 0.5, dtype=torch.float64))
    assert measured("contrast", torch.ones(1, 3, SIZE, SIZE)) == 0
    blurred = torch.nn.functional.avg_pool2d(pictures(5), 3, 1, 1)
    assert (measured("sharpness", blurred) < measured("sharpness", pictures(5))).all()


@pytest.mark.parametrize("mirror", MIRRORS)
def test_a_mirrored_half_is_symmetric_and_a_ramp_is_not(mirror):
    dim = MIRRORS[mirror]
    half = pictures(6).narrow(dim, 0, SIZE // 2)
    assert (value(SymmetryLoss(mirror), torch.cat([half, half.flip(dim)], dim)) == 0).all()
    ramp = torch.linspace(0, 1, SIZE).expand(1, 3, SIZE, SIZE)
    across, along = (ramp, ramp.mT) if dim == -1 else (ramp.mT, ramp)
    assert value(SymmetryLoss(mirror), along) == 0
    assert value(SymmetryLoss(mirror), across) > 0.5


def test_the_colour_counts_at_the_place_alone():
    images = pictures(7)
    images[..., : SIZE // 2] = NAVY[..., None, None]
    assert (value(ColorLoss(NAVY, LEFT), images) < 1e-9).all()
    assert (value(ColorLoss(NAVY), images) > 0.1).all()
    leaf = images.requires_grad_()
    (gradient,) = torch.autograd.grad(value(ColorLoss(NAVY / 2, LEFT), leaf).sum(), leaf)
    assert not gradient[..., SIZE // 2 :].any()


def test_a_shift_of_a_colour_by_hand():
    grey = torch.full((1, 3, 64, 64), 0.5, dtype=torch.float64)
    for place in (None, LEFT):
        assert_close(value(ColorLoss(NAVY + 0.5, place), grey), torch.full((1,), (0.25 / 3) ** 0.5).double())


def test_fine_texture_is_free_and_large_parts_are_not():
    board = (torch.arange(64)[:, None] + torch.arange(64)) % 2
    halves = (torch.arange(64) < 32).expand(64, 64)
    grey = torch.full((1, 3), 0.5)
    fine, coarse = (value(ColorLoss(grey), part.float().expand(1, 3, -1, -1)) for part in (board, halves))
    assert fine < 0.1 * coarse


@pytest.mark.parametrize(
    "make", [lambda place: AdjustmentLoss("contrast", 0.3, place), lambda place: ColorLoss(NAVY, place)]
)
def test_places_that_cannot_be(make):
    with pytest.raises(InputError, match="the place mask is black everywhere"):
        value(make(torch.zeros(1, 1, 8, 8)), pictures(0))
    with pytest.raises(InputError, match="3 place masks were given for 2 pictures"):
        value(make(torch.ones(3, 1, 8, 8)), pictures(0))


def test_a_place_of_another_size_is_fitted():
    small = torch.nn.functional.interpolate(LEFT, (32, 32), mode="nearest")
    assert_close(
        measured("brightness", pictures(8), small), measured("brightness", pictures(8), LEFT), rtol=0.02, atol=0
    )
