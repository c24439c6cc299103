import numpy as np
import pytest
import scipy.optimize
import torch
from torch.testing import assert_close

from guidance_losses import PaletteLoss
from guidance_losses.palette import LINES, lines

CPU = torch.device("cpu")


def picture(seed: int, height: int = 12, width: int = 16) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) ** (seed + 1)


def distance(reference: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    return PaletteLoss(reference).fit(len(images), *images.shape[-2:], CPU)(images)


def test_the_layout_does_not_count():
    order = torch.randperm(12 * 16, generator=torch.Generator().manual_seed(0))
    shuffled = picture(0).flatten(2)[..., order].view(1, 3, 16, 12)
    assert_close(distance(shuffled, picture(0)), torch.zeros(1), rtol=0, atol=1e-6)


def test_it_is_the_optimal_transport_on_each_line():
    """Against scipy's assignment of pixels to pixels, on every line by itself."""
    first, second = picture(0, 4, 5), picture(1, 4, 5)
    total = 0.0
    for line in lines(LINES).numpy():
        a, b = (np.einsum("c,cp->p", line, p[0].flatten(1).numpy()) for p in (first, second))
        costs = (a[:, None] - b[None]) ** 2
        rows, columns = scipy.optimize.linear_sum_assignment(costs)
        total += costs[rows, columns].mean()
    assert distance(second, first).item() == pytest.approx(np.sqrt(total / LINES), rel=1e-4)


def test_a_shift_of_all_colours_by_hand():
    """Moved along grey by 0.1 in each channel: on a line of direction u the distance is 0.1·|Σu|."""
    expected = 0.1 * lines(LINES).sum(dim=1).square().mean().sqrt()
    assert_close(distance(picture(0) + 0.1, picture(0)), expected[None])


@pytest.mark.parametrize("size", [(24, 32), (36, 16)])
def test_a_reference_of_another_size_with_the_same_colours_is_close(size):
    reference = torch.nn.functional.interpolate(picture(0), size, mode="nearest")
    assert distance(reference, picture(0)) < 0.25 * distance(picture(1, *size), picture(0))


def test_the_lines_are_the_same_each_time_and_of_length_one():
    assert torch.equal(lines(LINES), lines(LINES))
    assert_close(lines(LINES).norm(dim=1), torch.ones(LINES))
