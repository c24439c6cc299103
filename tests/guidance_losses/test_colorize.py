import logging

import pytest
import torch
from torch.testing import assert_close

from guidance_losses import ColorizeLoss

CPU = torch.device("cpu")


def flat(red: float, green: float, blue: float) -> torch.Tensor:
    return torch.tensor([float(red), green, blue]).view(1, 3, 1, 1).expand(1, 3, 8, 8)


@pytest.mark.parametrize(("colour", "luminance"), [((1, 0, 0), 0.299), ((0, 1, 0), 0.587), ((0, 0, 1), 0.114)])
def test_luminance_is_that_of_rec_601(colour, luminance):
    values = ColorizeLoss(torch.zeros(1, 3, 8, 8)).fit(1, 8, 8, CPU)(flat(*colour))
    assert_close(values, torch.tensor([8 * luminance]))  # of 64 pixels


def test_colours_of_the_same_luminance_are_free():
    loss = ColorizeLoss(flat(0.299, 0.299, 0.299)).fit(1, 8, 8, CPU)
    assert_close(loss(flat(1, 0, 0)), torch.zeros(1), rtol=0, atol=1e-5)


def test_of_a_coloured_image_only_the_luminance_counts():
    loss = ColorizeLoss(flat(1, 0, 0)).fit(1, 8, 8, CPU)
    assert_close(loss(flat(0.299, 0.299, 0.299)), torch.zeros(1), rtol=0, atol=1e-5)


def test_an_image_of_another_size_is_resized_and_that_is_said(caplog):
    with caplog.at_level(logging.INFO):
        values = ColorizeLoss(torch.full((1, 3, 20, 12), 0.5)).fit(1, 8, 8, CPU)(flat(0.5, 0.5, 0.5))
    assert_close(values, torch.zeros(1), rtol=0, atol=1e-5)
    assert "a reference of 12×20 pixels is resized to the picture's 8×8." in caplog.text
