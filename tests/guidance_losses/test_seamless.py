"""Pictures that tile, and such that do not."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from guidance_losses import TILINGS, InputError, SeamlessLoss, VisibleLoss
from guidance_losses.seamless import excess, ring_jumps, scales

CPU = torch.device("cpu")


def pictures(seed: int, height: int = 16, width: int = 24) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seam(images: Tensor, tiles: str = "both") -> Tensor:
    return SeamlessLoss(tiles).fit(len(images), *images.shape[-2:], CPU)(images)


def waves(height: int = 32, width: int = 48) -> Tensor:
    """A picture that tiles: whole periods in each direction."""
    y, x = np.meshgrid(np.arange(height) / height, np.arange(width) / width, indexing="ij")
    wave = 0.5 + 0.25 * np.sin(2 * np.pi * x) + 0.25 * np.sin(2 * np.pi * y)
    return torch.from_numpy(wave).expand(1, 3, -1, -1)


@pytest.mark.parametrize("tiles", TILINGS)
def test_the_gradient_is_that_of_finite_differences(tiles):
    loss = SeamlessLoss(tiles).fit(2, 16, 24, CPU)
    assert torch.autograd.gradcheck(loss, pictures(0).requires_grad_(), fast_mode=True)


@pytest.mark.parametrize("tiles", TILINGS)
def test_black_white_and_noise_are_finite(tiles):
    noise = pictures(0)[:1].float()
    images = torch.cat([noise, torch.zeros_like(noise), torch.ones_like(noise), 50 * noise - 20]).requires_grad_()
    values = seam(images, tiles)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert values.isfinite().all()
    assert gradient.isfinite().all()
    assert values[1] == values[2] == 0


def test_the_jumps_are_differences_of_means_over_a_ring():
    """Against a loop over the places, of a picture whose columns are numbered around the ring."""
    image = pictures(1)[:1]
    for scale in (1, 2, 3):
        height, width = image.shape[-2:]
        across, inside = ring_jumps(image, scale)
        ring = image.repeat(1, 1, 1, 3)
        for row in range(height - scale + 1):
            means = [
                ring[..., row : row + scale, width + column : width + column + scale].mean((2, 3))
                for column in range(-scale, width)
            ]
            jumps = [b - a for a, b in zip(means, means[scale:])]
            assert_close(across[:, :, row, 0], jumps[0])
            assert_close(inside[:, :, row], torch.stack(jumps[scale : width - scale + 1], -1))


@pytest.mark.parametrize("shift", [(0, 0), (5, 11), (16, 24)])
def test_what_tiles_has_little_of_a_seam_wherever_it_begins(shift):
    """A sine is steeper in places than the interior's mean, so a little is left."""
    cut = waves()[..., :24, :36]  # three quarters of a period
    assert seam(waves().roll(shift, (2, 3))).item() < 0.3 * seam(cut).item()


def test_each_direction_is_its_own():
    ramp = torch.linspace(0, 1, 24, dtype=torch.float64).expand(1, 3, 16, 24)
    assert seam(ramp, "x") > 1
    assert seam(ramp, "y") == 0
    assert_close(seam(ramp, "both"), seam(ramp, "x"))
    assert_close(seam(ramp.mT, "y"), seam(ramp, "x"))


def test_both_frequencies_count():
    """A line of one pixel along the seam, and light that falls slowly from side to side."""
    line, slope = torch.full((2, 1, 3, 32, 32), 0.5, dtype=torch.float64)
    line[..., ::2, 0] = 1
    line[..., 1::2, 0] = 0  # a mean over two rows sees nothing of it
    slope += torch.linspace(-0.4, 0.4, 32, dtype=torch.float64)
    assert [excess(line, scale).any().item() for scale in (1, 2, 4)] == [True, False, False]
    assert [excess(slope, scale).any().item() for scale in (1, 2, 4)] == [True, True, True]


def test_a_picture_rough_inside_may_be_rough_at_its_seam():
    assert seam(pictures(2, 64, 64)).max() < 0.6 * seam(waves(64, 64)[..., :48, :48]).item()


def test_scales_go_up_to_an_eighth_of_the_side():
    assert scales(16) == [1, 2]
    assert scales(64) == [1, 2, 4, 8]
    assert scales(512)[-1] == 64


def test_a_step_down_the_gradient_lowers_the_loss():
    images = pictures(3).requires_grad_()
    values = seam(images)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert (seam(images - 0.01 * gradient / gradient.norm()) < values).all()


def test_a_small_picture_is_refused():
    with pytest.raises(InputError, match=r"the picture of 24×15 is too small to tile; 16 pixels is the least"):
        SeamlessLoss().fit(1, 15, 24, CPU)


@pytest.mark.parametrize(("tiles", "size"), [("both", (32, 48)), ("x", (16, 48)), ("y", (32, 24))])
def test_what_it_shows_is_the_tiling(tiles, size):
    loss = SeamlessLoss(tiles)
    assert isinstance(loss, VisibleLoss)
    _, shown = loss.compared(pictures(0))
    assert shown.shape[-2:] == size
    assert_close(shown[..., -16:, -24:], pictures(0))
