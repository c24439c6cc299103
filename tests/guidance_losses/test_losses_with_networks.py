"""What every loss must keep, for those that look through a network; the networks are the embedded ones."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from embedded.held_out import held_out_faces
from guidance_losses import FaceIDLoss, Loss, RewardLoss, SegmentationLoss, SimilarityLoss, StyleLoss, TextLoss
from guidance_losses.networks.clip import load_clip
from guidance_losses.networks.face import load_face_network
from guidance_losses.networks.reward_head import RewardHead
from guidance_losses.networks.segmentation import load_segmentation_network
from tools.comfyui import REPOSITORY

CPU = torch.device("cpu")
SIZE = 64
WEIGHTS = REPOSITORY / "embedded" / "weights"
CLIP = load_clip(WEIGHTS / "clip" / "faces").double()
FACE = load_face_network(WEIGHTS / "face" / "faces_irse.onnx").double()
SEGMENTATION = load_segmentation_network(WEIGHTS / "segmentation" / "faces").double()
HEAD = RewardHead(torch.linspace(-1, 1, 128).double(), torch.tensor(5.0).double())
HAIR_AND_SKIN = torch.tensor([2, 1])
UPPER = (torch.arange(SIZE) < SIZE // 2).double().view(1, 1, -1, 1).expand(1, 1, SIZE, SIZE)


def segmentation(reference: Tensor, **options: str) -> Loss:
    return SegmentationLoss(SEGMENTATION, HAIR_AND_SKIN, torch.ones(2), picture=reference, **options)


# Name → the loss against reference pictures of its own for each picture.
WITH_REFERENCES: dict[str, Callable[[Tensor], Loss]] = {
    "segmentation, cross-entropy": segmentation,
    "segmentation, probability": lambda reference: segmentation(reference, distance="probability"),
    "similarity": lambda reference: SimilarityLoss(CLIP, reference, (4,)),
    "similarity, place by place": lambda reference: SimilarityLoss(CLIP, reference, (2, 4), "place by place", UPPER),
    "face identity": lambda reference: FaceIDLoss(FACE, reference, one_each=True),
    "face identity, portrait": lambda reference: FaceIDLoss(FACE, reference, "portrait", one_each=True),
}
LOSSES = WITH_REFERENCES | {
    "style": lambda reference: StyleLoss(CLIP, reference, (2, 3)),
    "style, Gram": lambda reference: StyleLoss(CLIP, reference, (3,), distance="Gram"),
    "reward, a prompt": lambda _: RewardLoss(CLIP, 60.0, prompt="a person with pink hair"),
    "reward, a head": lambda _: RewardLoss(CLIP, 60.0, HEAD),
    "text": lambda _: TextLoss(CLIP, "a person with pink hair", "a bald person", count=2),
}


def faces(first: int, count: int = 2) -> Tensor:
    return torch.from_numpy(held_out_faces()[first : first + count]).movedim(-1, 1).double() / 255


def value_and_gradient(loss: Loss, images: Tensor) -> tuple[Tensor, Tensor]:
    leaf = images.clone().requires_grad_()
    values = loss.fit(len(images), *images.shape[-2:], CPU)(leaf)
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), gradient


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_finite_differences(name):
    """Along the gradient itself and along random directions."""
    images, loss, h = faces(0, 1), LOSSES[name](faces(5, 1)), 1e-5
    _, gradient = value_and_gradient(loss, images)
    assert gradient.norm() > 1e-4
    generator = torch.Generator().manual_seed(0)
    random = torch.randn(3, *images.shape, generator=generator, dtype=torch.float64)
    for direction in (gradient, *random):
        direction = direction / direction.norm()
        above, below = (value_and_gradient(loss, images + sign * h * direction)[0] for sign in (1, -1))
        expected = (gradient * direction).sum()
        assert_close((above - below)[0] / (2 * h), expected, rtol=1e-3, atol=1e-4 * float(gradient.norm()))


@pytest.mark.parametrize("name", LOSSES)
def test_black_white_and_noise_pictures_have_finite_values_and_gradients(name):
    noise = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    images = torch.cat([torch.zeros_like(noise), torch.ones_like(noise), noise, 50 * noise - 20])
    references = faces(0, 4)
    values, gradient = value_and_gradient(LOSSES[name](references), images)
    assert values.shape == (4,)
    assert values.isfinite().all()
    assert gradient.isfinite().all()
    assert (gradient[2].norm()) > 0


@pytest.mark.parametrize("name", LOSSES)
def test_a_picture_does_not_depend_on_its_neighbours(name):
    images, references = faces(0), faces(5)
    together, gradient = value_and_gradient(LOSSES[name](references), images)
    for i in range(2):
        reference = references[[i]] if name in WITH_REFERENCES else references
        value, alone = value_and_gradient(LOSSES[name](reference), images[[i]])
        assert_close(together[[i]], value, rtol=1e-6, atol=1e-8)
        assert_close(gradient[[i]], alone, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_down_the_gradient_lowers_the_loss(name):
    images, loss = faces(0), LOSSES[name](faces(5))
    values, gradient = value_and_gradient(loss, images)
    lower, _ = value_and_gradient(loss, images - 0.01 * gradient / gradient.norm())
    assert (lower < values).all()


@pytest.mark.parametrize("name", WITH_REFERENCES)
def test_three_references_for_two_pictures_are_an_error_that_says_so(name):
    with pytest.raises(ValueError, match=r"3 .*2 pictures; give one"):
        LOSSES[name](faces(0, 3)).fit(2, SIZE, SIZE, CPU)


def test_a_face_is_nearest_to_another_picture_of_the_same_person():
    again = torch.from_numpy(held_out_faces(1)[:16]).movedim(-1, 1).double() / 255
    distances = torch.stack([FaceIDLoss(FACE, faces(i, 1)).fit(16, SIZE, SIZE, CPU)(again) for i in range(16)])
    assert (distances.argmin(1) == torch.arange(16)).float().mean() > 0.8


def test_several_references_are_averaged():
    """The same one twice is the same as once, and two are between each alone."""
    images, references = faces(0, 1), faces(4, 2)
    once = FaceIDLoss(FACE, references[:1]).fit(1, SIZE, SIZE, CPU)(images)
    twice = FaceIDLoss(FACE, references[:1].repeat(2, 1, 1, 1)).fit(1, SIZE, SIZE, CPU)(images)
    assert_close(once, twice)
    own = [float(FaceIDLoss(FACE, references).fit(1, SIZE, SIZE, CPU)(reference[None])) for reference in references]
    assert own[0] == pytest.approx(own[1])
    assert 0 < own[0] < float(FaceIDLoss(FACE, references[:1]).fit(1, SIZE, SIZE, CPU)(references[1:]))


def test_a_mask_asks_for_one_class_inside_and_for_another_outside():
    """Of its own hair, a face is nearer to the map than with the map turned around."""
    face = faces(0, 1)
    hair = (SEGMENTATION(face).argmax(1, keepdim=True) == 2).double()
    right, wrong = (
        SegmentationLoss(SEGMENTATION, torch.tensor([2]), torch.ones(1), mask=mask).fit(1, SIZE, SIZE, CPU)(face)
        for mask in (hair, 1 - hair)
    )
    assert right < 0.1 < wrong


def test_asking_for_all_classes_is_the_ordinary_cross_entropy():
    images, reference = faces(0), faces(5)
    found = SegmentationLoss(SEGMENTATION, torch.arange(7), torch.ones(7), picture=reference)
    wanted = SEGMENTATION(reference).argmax(1)
    expected = torch.nn.functional.cross_entropy(SEGMENTATION(images), wanted, reduction="none").mean((1, 2))
    assert_close(found.fit(2, SIZE, SIZE, CPU)(images), expected)


def test_a_class_that_weighs_more_pulls_more():
    light, heavy = (
        SegmentationLoss(SEGMENTATION, HAIR_AND_SKIN, torch.tensor([weight, 1.0]), picture=faces(5))
        for weight in (1.0, 3.0)
    )
    assert (value_and_gradient(heavy, faces(0))[0] > value_and_gradient(light, faces(0))[0]).all()
