import pytest
import torch
from kornia.color import rgb_to_grayscale
from kornia.filters import sobel
from torch.testing import assert_close

from guidance_losses import SketchLoss

CPU = torch.device("cpu")
SIZE = 64


def disc(x: float, y: float, radius: float) -> torch.Tensor:
    """1 inside, 0 outside."""
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    return ((columns - x).square() + (rows - y).square() < radius**2).float()


def photograph(x: float = 32, y: float = 32, light: float = 0.8, dark: float = 0.2) -> torch.Tensor:
    return (dark + (light - dark) * disc(x, y, 16)).expand(1, 3, SIZE, SIZE)


def drawn_circle(x: float = 32, y: float = 32, width: float = 2) -> torch.Tensor:
    """A white circle on black."""
    return (disc(x, y, 16 + width / 2) - disc(x, y, 16 - width / 2)).expand(1, 3, SIZE, SIZE)


def distance(drawing: torch.Tensor, images: torch.Tensor, dark_lines: bool = False) -> float:
    return SketchLoss(drawing, dark_lines).fit(1, SIZE, SIZE, CPU)(images).item()


def test_a_photograph_agrees_with_a_drawing_of_its_outline_and_not_with_another():
    assert distance(drawn_circle(), photograph()) < 0.5
    assert distance(drawn_circle(10, 10), photograph()) > 1.2


def test_which_side_is_light_and_how_strong_the_contrast_is_do_not_count():
    values = [
        distance(drawn_circle(), photograph(light=light, dark=dark))
        for light, dark in ((0.8, 0.2), (0.2, 0.8), (0.6, 0.4))
    ]
    assert max(values) - min(values) < 0.02


def test_ink_on_paper_says_the_same_as_chalk_on_a_board():
    ink, chalk = distance(1 - drawn_circle(), photograph(), dark_lines=True), distance(drawn_circle(), photograph())
    assert ink == pytest.approx(chalk, abs=1e-5)


def test_the_nearer_the_edge_is_to_the_line_the_smaller_the_loss():
    """Already at a distance of several line widths, so that there is a way to go."""
    values = [distance(drawn_circle(), photograph(x=32 + shift)) for shift in (0, 2, 4, 6, 8)]
    assert values == sorted(values)


def test_the_edges_of_the_picture_itself_have_a_loss_of_nearly_zero():

    edges = sobel(rgb_to_grayscale(photograph())).expand(-1, 3, -1, -1)
    assert distance(edges, photograph()) == pytest.approx(0, abs=1e-3)


def test_a_larger_drawing_serves():
    large = torch.nn.functional.interpolate(drawn_circle(), (200, 200), mode="bilinear")
    assert_close(distance(large, photograph()), distance(drawn_circle(), photograph()), rtol=0, atol=0.1)
