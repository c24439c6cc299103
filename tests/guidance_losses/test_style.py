"""The style loss sees strokes and colours, wherever they are, and drawing styles better than Gram matrices alone."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from embedded.held_out import STYLES, held_out_faces
from guidance_losses import STYLE_DISTANCES, StyleLoss
from guidance_losses.networks.clip import load_clip
from guidance_losses.style import gram, log_matrix
from tools.comfyui import REPOSITORY

CPU = torch.device("cpu")
SIZE = 64
CLIP = load_clip(REPOSITORY / "embedded" / "weights" / "clip" / "faces").double()


def faces(which: slice) -> Tensor:
    return torch.from_numpy(held_out_faces()[which]).movedim(-1, 1).double() / 255


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def value(loss: StyleLoss, images: Tensor) -> Tensor:
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


@pytest.mark.parametrize("tokens", [3, 8])
def test_the_logarithm_is_that_of_the_definition_and_its_gradient_that_of_finite_differences(tokens):
    """Also with fewer tokens than directions, where all but three eigenvalues are equal."""
    matrix = gram(random(2, tokens, 6)).requires_grad_()
    logarithm = log_matrix(matrix, 0.1)
    assert_close(torch.linalg.matrix_exp(logarithm), matrix + 0.1 * torch.eye(6, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda x: log_matrix(x @ x.mT, 0.1), random(2, 6, tokens).requires_grad_())


def test_the_logarithm_of_equal_eigenvalues_has_the_gradient_of_the_number_s():
    matrix = (2 * torch.eye(4, dtype=torch.float64)).expand(1, 4, 4).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(log_matrix(matrix, 0.5).diagonal(dim1=1, dim2=2).sum(), matrix)
    assert_close(gradient, (torch.eye(4, dtype=torch.float64) / 2.5).expand(1, 4, 4))


def test_a_gram_matrix_carries_no_layout():
    tokens = random(2, 10, 4)
    assert_close(gram(tokens), gram(tokens[:, torch.randperm(10, generator=torch.Generator().manual_seed(0))]))


@pytest.mark.parametrize("distance", STYLE_DISTANCES)
def test_a_shifted_reference_is_nearly_the_same_and_another_picture_is_not(distance):
    """By one patch of the network, around the edge; what is left of a difference is the tokens' positions."""
    shifted, other = faces(slice(1)).roll(8, dims=3), faces(slice(1, 2))
    loss = StyleLoss(CLIP, faces(slice(1)), distance=distance)
    assert value(loss, shifted) < 0.7 * value(loss, other)


@pytest.mark.parametrize("distance", STYLE_DISTANCES)
def test_a_style_s_own_picture_has_a_loss_of_zero_and_a_finite_gradient(distance):
    face = faces(slice(1)).requires_grad_()
    found = value(StyleLoss(CLIP, face.detach(), (1, 3), distance), face)
    (gradient,) = torch.autograd.grad(found.sum(), face)
    assert found.abs().max() < 1e-8
    assert gradient.isfinite().all()


def test_the_loss_is_the_sum_over_the_layers():
    images, references = faces(slice(2)), faces(slice(4, 6))
    one, other, both = (value(StyleLoss(CLIP, references, layers), images) for layers in ((2,), (3,), (2, 3)))
    assert_close(one + other, both)


@pytest.mark.parametrize("distance", STYLE_DISTANCES)
def test_several_references_are_averaged(distance):
    """The same one three times is the same as once, and each of two is as far from their mean."""
    images, two = faces(slice(2)), faces(slice(4, 6))
    once, thrice = (StyleLoss(CLIP, two[:1].repeat(count, 1, 1, 1), distance=distance) for count in (1, 3))
    assert_close(value(once, images), value(thrice, images))
    first, second = value(StyleLoss(CLIP, two, distance=distance), two).tolist()
    assert 0 < first == pytest.approx(second)


def test_logarithms_know_the_style_of_drawing_and_plain_matrices_the_background():
    """Nearest of four references of each style, for 112 others; chance is 25 %."""
    truth, images = torch.arange(16, 128) % len(STYLES), faces(slice(16, None))

    def right(distance: str) -> float:
        losses = [StyleLoss(CLIP, faces(slice(style, 16, 4)), distance=distance) for style in range(len(STYLES))]
        found = torch.stack([value(loss, images) for loss in losses]).argmin(0)
        return float((found == truth).float().mean())

    assert right("log-Gram") > 0.8
    assert right("Gram") < 0.4


def test_a_picture_that_is_not_finite_leaves_the_others_alone():
    images = faces(slice(2))
    images[0, 0, 5, 5] = torch.nan
    images.requires_grad_()
    found = value(StyleLoss(CLIP, faces(slice(4, 5))), images)
    (gradient,) = torch.autograd.grad(found.sum(), images)
    assert found[0].isnan()
    assert found[1].isfinite()
    assert not gradient[0].isfinite().all()
    assert gradient[1].isfinite().all()


def test_single_precision_is_close_to_double():
    images, references = faces(slice(2)), faces(slice(4, 6))
    double = value(StyleLoss(CLIP, references), images)
    single_network = load_clip(REPOSITORY / "embedded" / "weights" / "clip" / "faces")
    single = value(StyleLoss(single_network, references.float()), images.float())
    assert_close(single.double(), double, rtol=1e-2, atol=0)
