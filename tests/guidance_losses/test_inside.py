"""A loss that may change a part of the picture only."""

import pytest
import torch

from guidance_losses import inside


def test_the_value_is_that_of_the_whole_picture_and_the_gradient_only_under_the_mask() -> None:
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 3:6] = 1
    images = torch.rand(2, 3, 8, 8, requires_grad=True)
    loss = inside(lambda pictures: pictures.square().sum(dim=(1, 2, 3)), mask, 2, 8, 8)
    value = loss(images)
    torch.testing.assert_close(value, images.detach().square().sum(dim=(1, 2, 3)))
    (gradient,) = torch.autograd.grad(value.sum(), images)
    torch.testing.assert_close(gradient, 2 * images.detach() * mask)


def test_a_mask_of_another_size_is_fitted() -> None:
    mask = torch.ones(1, 1, 4, 4)
    mask[..., :2] = 0
    images = torch.rand(1, 3, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(inside(lambda p: p.sum(dim=(1, 2, 3)), mask, 1, 8, 8)(images).sum(), images)
    assert gradient[..., 0].abs().max() == 0
    assert gradient[..., 7].min() == pytest.approx(1)


def test_three_masks_for_two_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="3 where masks were given for 2 pictures"):
        inside(lambda pictures: pictures.sum(), torch.ones(3, 1, 8, 8), 2, 8, 8)
