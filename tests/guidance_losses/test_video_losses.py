"""Losses of several frames together."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from guidance_losses import InputError, LoopLoss, SmoothnessLoss, VideoLoss

LOSSES = {"loop": LoopLoss(), "smoothness": SmoothnessLoss()}


def videos(batch: int, frames: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, frames, 3, 6, 8, generator=generator, dtype=torch.float64)


def value(loss: VideoLoss, given: Tensor) -> Tensor:
    return loss.fit(len(given), *given.shape[-2:], given.device)(given)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_agrees_with_finite_differences(name):
    given = videos(2, 4).requires_grad_()
    direction = videos(2, 4, seed=1) - 0.5
    (gradient,) = torch.autograd.grad(value(LOSSES[name], given).sum(), given)
    above, below = (value(LOSSES[name], given.detach() + sign * 1e-6 * direction) for sign in (1, -1))
    assert_close(((above - below) / 2e-6).sum(), (gradient * direction).sum(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("name", LOSSES)
def test_a_video_of_one_colour_is_what_is_asked_and_pulls_nowhere(name, level):
    given = torch.full([1, 5, 3, 6, 8], level, requires_grad=True)
    values = value(LOSSES[name], given)
    (gradient,) = torch.autograd.grad(values.sum(), given)
    assert values.tolist() == [0]
    assert not gradient.any()


@pytest.mark.parametrize("name", LOSSES)
def test_each_video_has_a_value_of_its_own(name):
    given = videos(2, 5)
    assert_close(value(LOSSES[name], given), torch.cat([value(LOSSES[name], one[None]) for one in given]))


def turning(frames: int, phase: float = 0.0) -> Tensor:
    """A light that goes round once and is back in the last frame, `[1, frames, 3, 6, 8]`."""
    angles = 2 * math.pi * torch.arange(frames, dtype=torch.float64) / (frames - 1) + phase
    return (0.5 + 0.5 * torch.sin(angles)).view(1, -1, 1, 1, 1).expand(1, frames, 3, 6, 8)


def test_what_comes_back_loops_and_what_is_cut_off_does_not():
    assert value(LoopLoss(), turning(33)) < 0.01
    assert value(LoopLoss(), turning(33)[:, :24]) > 0.3


def test_the_last_step_has_to_be_as_the_first_one():
    """There and back: the ends meet, but the light turns round at once."""
    there_and_back = torch.tensor([0.0, 0.1, 0.2, 0.1, 0.0]).view(1, -1, 1, 1, 1).expand(1, 5, 3, 6, 8)
    assert_close(value(LoopLoss(), there_and_back), torch.tensor([0.2]))


def test_even_light_is_smooth_and_a_flicker_is_not():
    rising = torch.linspace(0, 1, 9, dtype=torch.float64).view(1, -1, 1, 1, 1).expand(1, 9, 3, 6, 8)
    flickering = rising + 0.1 * (torch.arange(9) % 2).view(1, -1, 1, 1, 1)
    assert value(SmoothnessLoss(), rising) < 1e-12
    assert_close(value(SmoothnessLoss(), flickering), torch.tensor([0.2], dtype=torch.float64))


def test_which_frames_they_look_at():
    assert LoopLoss().looks_at(range(17)) == [0, 1, 15, 16]
    assert LoopLoss().looks_at([2, 5, 9]) == [2, 5, 9]
    assert list(SmoothnessLoss().looks_at(range(5))) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", LOSSES)
def test_too_few_frames_are_refused(name):
    with pytest.raises(InputError, match="3 frames or more, and there are 2"):
        LOSSES[name].looks_at([0, 16])
