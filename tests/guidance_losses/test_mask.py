import logging

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from guidance_losses import MaskLoss

CPU = torch.device("cpu")


def value_and_gradient(loss: MaskLoss, images: Tensor) -> tuple[Tensor, Tensor]:
    leaf = images.clone().requires_grad_()
    values = loss.fit(len(images), *images.shape[-2:], CPU)(leaf)
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), gradient


def pictures(seed: int, batch: int = 2, size: int = 8) -> Tensor:
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(seed))


def left_half(size: int = 8) -> Tensor:
    known = torch.zeros(1, 1, size, size)
    known[..., : size // 2] = 1
    return known


def test_value_and_gradient_by_hand():
    """Two known pixels that differ by 0.3 and 0.4 in one channel each: a distance of 0.5."""
    known = torch.tensor([[[[1.0, 1.0, 0.0]]]])
    images = torch.zeros(1, 3, 1, 3)
    images[0, 0, 0, 0], images[0, 2, 0, 1], images[0, 1, 0, 2] = 0.3, -0.4, 9.0
    values, gradient = value_and_gradient(MaskLoss(torch.zeros(1, 3, 1, 3), known), images)
    expected = torch.zeros(1, 3, 1, 3)
    expected[0, 0, 0, 0], expected[0, 2, 0, 1] = 0.6, -0.8
    assert_close(values, torch.tensor([0.5]))
    assert_close(gradient, expected)


def test_the_gradient_is_zero_where_unknown_and_not_where_known_and_different():
    known = left_half()
    _, gradient = value_and_gradient(MaskLoss(pictures(0, 1), known), pictures(1))
    assert (gradient[..., 4:] == 0).all()
    assert (gradient[..., :4] != 0).all()


@pytest.mark.parametrize("reference", [torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8), pictures(0, 1)])
@pytest.mark.parametrize("known", [torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8), left_half()])
def test_black_white_and_noise_pictures_have_finite_values_and_gradients(reference, known):
    images = torch.cat([torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8), pictures(0, 1), 50 * pictures(2, 1)])
    values, gradient = value_and_gradient(MaskLoss(reference, known), images)
    assert values.shape == (4,)
    assert values.isfinite().all()
    assert gradient.isfinite().all()


def test_each_picture_has_its_own_reference_and_mask():
    images, references = pictures(0, size=128), pictures(1, size=128)
    known = torch.cat([left_half(128), 1 - left_half(128)])
    together, _ = value_and_gradient(MaskLoss(references, known), images)
    alone = [value_and_gradient(MaskLoss(references[[i]], known[[i]]), images[[i]])[0] for i in range(2)]
    assert torch.equal(together, torch.cat(alone))


def test_one_reference_serves_all_pictures():
    images = pictures(0, 3)
    once, _ = value_and_gradient(MaskLoss(pictures(1, 1), left_half()), images)
    repeated = MaskLoss(pictures(1, 1).repeat(3, 1, 1, 1), left_half().repeat(3, 1, 1, 1))
    assert torch.equal(value_and_gradient(repeated, images)[0], once)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 16), (20, 12)])
def test_a_reference_of_another_size_is_resized_and_that_is_said(height, width, caplog):
    colour = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1)
    loss = MaskLoss(colour.expand(1, 3, height, width), torch.ones(1, 1, height, width))
    with caplog.at_level(logging.INFO):
        values, _ = value_and_gradient(loss, colour.expand(1, 3, 8, 8))
    assert_close(values, torch.zeros(1), rtol=0, atol=1e-5)
    assert [record.getMessage() for record in caplog.records] == [
        f"DSG: a reference of {width}×{height} pixels is resized to the picture's 8×8."
    ]


def test_a_resized_reference_stays_in_0_to_1():
    edge = left_half(16).expand(1, 3, 16, 16)
    restored = MaskLoss(edge, torch.ones(1, 1, 16, 16)).restore(torch.zeros(1, 3, 10, 10))
    assert restored.min() >= 0
    assert restored.max() <= 1


def test_a_pixel_of_a_smaller_mask_is_known_if_all_that_it_is_made_of_are():
    known = torch.ones(1, 1, 8, 8)
    known[..., 0, 1] = 0  # in the corner's block of 2×2
    known[..., :, 6:] = 0
    _, gradient = value_and_gradient(MaskLoss(torch.zeros(1, 3, 4, 4), known), torch.ones(1, 3, 4, 4))
    expected = torch.ones(4, 4, dtype=torch.bool)
    expected[0, 0] = False
    expected[:, 3] = False
    assert torch.equal(gradient[0, 0] != 0, expected)


@pytest.mark.parametrize(("references", "masks", "what"), [(3, 1, "reference images"), (1, 3, "masks")])
def test_a_wrong_number_of_references_is_an_error_that_says_which_and_how_many(references, masks, what):
    loss = MaskLoss(pictures(0, references), left_half().repeat(masks, 1, 1, 1))
    with pytest.raises(ValueError, match=r"give one") as error:
        loss.fit(2, 8, 8, CPU)
    for part in (what, "3", "2 pictures"):
        assert part in str(error.value)


def test_restore_puts_exactly_the_known_pixels_back():
    images, reference = pictures(0), pictures(1, 1)
    known = (torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(2)) < 0.5).float()
    restored = MaskLoss(reference, known).restore(images)
    where = known.bool().expand_as(images)
    assert torch.equal(restored[where], reference.expand_as(images)[where])
    assert torch.equal(restored[~where], images[~where])
