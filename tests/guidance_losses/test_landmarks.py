"""Landmarks: the points of a face are pulled to those of the reference, through the detector."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from guidance_losses import LandmarkLoss
from guidance_losses.landmarks import expected_distance
from guidance_losses.networks.face_detector import STRIDES, Candidates, FaceDetector, anchor_centres
from tests.guidance_losses.networks.scrfd import RandomScrfd, RedScrfd

CPU = torch.device("cpu")
SIZE = 320
DETECTOR = FaceDetector(RedScrfd(), (SIZE,))


def red(x: Tensor | float, y: Tensor | float, width: int = SIZE, height: int = SIZE) -> Tensor:
    """Black, with a soft red spot: `[1, 3, height, width]`, differentiable in its place."""
    columns, rows = torch.arange(width) + 0.5, torch.arange(height)[:, None] + 0.5
    spot = torch.exp(-((((columns - x) ** 2 + (rows - y) ** 2) / (2 * 8**2)) ** 2))
    return torch.stack([spot, 0 * spot, 0 * spot])[None]


def value(loss: LandmarkLoss, images: Tensor) -> Tensor:
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


def random_detector() -> FaceDetector:
    torch.manual_seed(0)
    return FaceDetector(RandomScrfd(4), (64,)).double()


def noise(count: int, height: int = 48, width: int = 64) -> Tensor:
    shape = (count, 3, height, width)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_distance_is_the_mean_by_squared_scores_and_nearness():
    """Of three anchors: two as near as each other, and one as far as the face is large."""
    centres = torch.tensor([[45.0, 50], [55, 50], [50, 50 + (400 + 25) ** 0.5]])
    points = torch.zeros(1, 3, 5, 2)
    points[0, :, 0, 0] = torch.tensor([3.0, 5.0, 100.0])
    candidates = Candidates(centres, torch.tensor([[0.2, 0.4, 0.2]]), torch.zeros(1, 3, 4), points)
    found = expected_distance(candidates, torch.tensor([[40.0, 45, 60, 55]]), torch.zeros(1, 5, 2))
    weights = torch.tensor([1.0, 4.0, torch.tensor(-0.5).exp()])
    assert_close(
        found, (weights * torch.tensor([3.0, 5.0, 100.0])).sum() / weights.sum() * torch.ones(1), rtol=1e-4, atol=0
    )


def test_a_sure_face_in_its_place_has_a_loss_of_zero():
    """A detector all of whose anchors say the same place, as a trained one's do around a face."""

    class Agreed(RandomScrfd):
        def forward(self, image: Tensor) -> tuple[Tensor, ...]:
            scores, boxes = RedScrfd()(image)[:3], RedScrfd()(image)[3:6]
            points = [(100 - centres) / stride for stride, centres in anchors()]
            return (*scores, *boxes, *(part.repeat(1, 5) for part in points))

    def anchors() -> list[tuple[int, Tensor]]:
        return [(stride, anchor_centres(SIZE, stride).float()) for stride in STRIDES]

    images = red(160, 120).requires_grad_()
    values = value(LandmarkLoss(FaceDetector(Agreed(), (SIZE,)), red(160, 120)), images)
    assert values.item() == pytest.approx(0, abs=1e-6)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert gradient.isfinite().all()


def test_the_loss_grows_with_the_distance():
    images = torch.cat([red(160 + shift, 120) for shift in (0, 4, 8, 12, 16)])
    values = value(LandmarkLoss(DETECTOR, red(160, 120)), images)
    assert (values.diff() > 0).all()


@pytest.mark.parametrize("start", [(148.0, 110.0), (172.0, 120.0), (164.0, 134.0)])
def test_a_face_that_moves_down_the_gradient_arrives_at_the_reference(start):
    place = torch.tensor(start, requires_grad=True)
    loss = LandmarkLoss(DETECTOR, red(160, 120)).fit(1, SIZE, SIZE, CPU)
    optimiser = torch.optim.Adam([place], lr=1.0)
    for step in range(60):
        optimiser.param_groups[0]["lr"] = 1 - step / 60
        optimiser.zero_grad()
        loss(red(*place)).sum().backward()
        optimiser.step()
    assert_close(place.detach(), torch.tensor([160.0, 120.0]), rtol=0, atol=1.0)


def test_a_face_comes_to_be_where_there_was_none():
    """By steps of fixed length on the pixels of grey noise."""
    images = 0.3 + 0.05 * torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    reference = red(176, 136)
    loss = LandmarkLoss(DETECTOR, reference).fit(1, SIZE, SIZE, CPU)
    before = float(loss(images))
    for _ in range(100):
        images.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(images).sum(), images)
        images = (images - 2 * gradient / gradient.norm()).detach()
    assert float(loss(images)) < 0.3 * before


@pytest.mark.parametrize("batch", [1, 2])
def test_the_gradient_is_the_slope(batch):
    """Through a network with random weights, in its points and in its scores."""
    loss = LandmarkLoss(random_detector(), noise(1)).fit(batch, 48, 64, CPU)
    images = (0.5 * noise(2)[-batch:] + 0.2).requires_grad_()
    values = loss(images)
    assert (values > 1e-3).all()
    (gradient,) = torch.autograd.grad(values.sum(), images)
    images = images.detach()
    for direction in (gradient, torch.randn_like(gradient)):
        direction = direction / direction.norm()
        difference = (loss(images + 1e-6 * direction) - loss(images - 1e-6 * direction)).sum() / 2e-6
        assert float((gradient * direction).sum()) == pytest.approx(float(difference), rel=1e-4, abs=1e-8)


def test_the_expectation_passes_gradcheck_in_scores_and_points():
    generator = torch.Generator().manual_seed(0)
    scores, points, centres, wanted = (
        torch.rand(shape, generator=generator, dtype=torch.float64)
        for shape in ((2, 6), (2, 6, 5, 2), (6, 2), (2, 5, 2))
    )
    boxes = torch.tensor([[0.0, 0, 1, 1]], dtype=torch.float64).expand(2, 4)

    def expected(scores: Tensor, points: Tensor) -> Tensor:
        return expected_distance(Candidates(centres, scores, torch.zeros(2, 6, 4), points), boxes, wanted)

    assert torch.autograd.gradcheck(expected, (scores.requires_grad_(), points.requires_grad_()))


def test_a_picture_does_not_depend_on_its_neighbours():
    images, references = noise(2), noise(3)[1:]
    together = value(LandmarkLoss(random_detector(), references), images)
    for i in range(2):
        assert_close(together[[i]], value(LandmarkLoss(random_detector(), references[[i]]), images[[i]]))


def test_black_white_and_wild_pictures_have_finite_values_and_gradients():
    black = torch.zeros(1, 3, SIZE, SIZE)
    wild = 50 * torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) - 20
    images = torch.cat([black, black + 1, wild]).requires_grad_()
    values = value(LandmarkLoss(DETECTOR, red(160, 120)), images)
    assert values.shape == (3,)
    assert values.isfinite().all()
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert gradient.isfinite().all()


def test_a_mask_says_whose_face_counts_also_at_another_size():
    """The reference is twice as large as the picture."""
    reference = torch.maximum(red(120, 120), red(240, 200))
    reference = torch.nn.functional.interpolate(reference, scale_factor=2, mode="bilinear")
    for x, y in ((120, 120), (240, 200)):
        mask = torch.zeros(1, 1, 2 * SIZE, 2 * SIZE)
        mask[..., 2 * y - 40 : 2 * y + 40, 2 * x - 40 : 2 * x + 40] = 1
        here, there = value(LandmarkLoss(DETECTOR, reference, mask), torch.cat([red(x, y), red(x + 8, y)]))
        assert here < there


def test_a_reference_without_a_face_stops_the_run_or_is_skipped():
    images, references = red(160, 120).repeat(2, 1, 1, 1), torch.cat([red(120, 120), 0 * red(0, 0)])
    with pytest.raises(ValueError, match=r"^there is no face on reference picture 2; .* skip"):
        LandmarkLoss(DETECTOR, references).fit(2, SIZE, SIZE, CPU)
    values = value(LandmarkLoss(DETECTOR, references, no_face="skip"), images)
    assert values[0] > 0
    assert values[1] == 0


def test_three_references_for_two_pictures_are_an_error_that_says_so():
    with pytest.raises(ValueError, match=r"3 .*2 pictures; give one"):
        LandmarkLoss(DETECTOR, red(160, 120).repeat(3, 1, 1, 1)).fit(2, SIZE, SIZE, CPU)
