"""Faces are turned upright onto ArcFace's template, with a gradient to the picture they come from."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from guidance_losses.face_alignment import (
    CROPS,
    TEMPLATE,
    FaceViews,
    aligned,
    box_around,
    boxed,
    crop,
    find_points,
    similarity,
    template,
)
from guidance_losses.networks.face_detector import FaceDetector
from tests.guidance_losses.networks.scrfd import RED_POINTS, RedScrfd


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def turned(points: Tensor, angle: float, scale: float, shift: tuple[float, float]) -> Tensor:
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    return points @ torch.tensor([[c, s], [-s, c]], dtype=torch.float64) + torch.tensor(shift, dtype=torch.float64)


def red_picture(x: int, y: int, side: int = 320) -> Tensor:
    image = torch.zeros(1, 3, side, side)
    image[0, 0, y - 12 : y + 12, x - 12 : x + 12] = 1
    return image


@pytest.mark.parametrize(("angle", "scale", "shift"), [(0.0, 1.0, (0, 0)), (0.7, 2.5, (30, -8)), (-2.0, 0.2, (1, 500))])
def test_a_known_similarity_is_found(angle, scale, shift):
    points = random(3, 5, 2)
    matrix = similarity(points, turned(points, angle, scale, shift))
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    expected = torch.tensor([[c, -s, shift[0]], [s, c, shift[1]]], dtype=torch.float64)
    assert_close(matrix, expected.expand(3, 2, 3))


def umeyama(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Equations 39 to 42 of the paper, with its singular value decomposition."""
    p, q = points - points.mean(0), targets - targets.mean(0)
    u, d, vt = np.linalg.svd(q.T @ p / len(p))
    signs = np.array([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = (d * signs).sum() / p.var(0).sum()
    shift = targets.mean(0) - scale * rotation @ points.mean(0)
    return np.column_stack([scale * rotation, shift])


def test_it_is_umeyama_s_and_that_of_linear_least_squares():
    for seed in range(5):
        points, targets = random(5, 2, seed=seed), random(5, 2, seed=seed + 100)
        found = similarity(points[None], targets)[0].numpy()
        assert_close(found, umeyama(points.numpy(), targets.numpy()))
        # Unknown (a, b, t_x, t_y): each point gives a row for x and one for y.
        rows, right = [], []
        for (x, y), (u, v) in zip(points.tolist(), targets.tolist()):
            rows += [[x, -y, 1, 0], [y, x, 0, 1]]
            right += [u, v]
        (a, b, t_x, t_y), *_ = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)
        assert_close(found, np.array([[a, -b, t_x], [b, a, t_y]]))


def dots(points: Tensor, side: int) -> Tensor:
    """A picture with a soft dot at each of five points: `[1, 5, side, side]`."""
    line = torch.arange(side, dtype=points.dtype)
    distances = (line[None, :] - points[:, 0, None, None]) ** 2 + (line[:, None] - points[:, 1, None, None]) ** 2
    return torch.exp(-distances / (2 * 4**2))[None]


@pytest.mark.parametrize("side", [112, 64, 224])
@pytest.mark.parametrize(
    ("angle", "scale", "shift"), [(0.0, 2.0, (40, 60)), (0.5, 2.5, (120, 20)), (-0.3, 1.0, (150, 90))]
)
def test_the_five_points_come_to_lie_on_the_template(side, angle, scale, shift):
    """Measured by the centre of mass of a dot that was drawn at each point."""
    points = turned(torch.tensor(TEMPLATE, dtype=torch.float64), angle, scale, shift)
    for i, target in enumerate(template(side)):
        picture = dots(points, 400)[:, [i] * 3]
        face = aligned(picture, points[None], side)[0, 0]
        rows, columns = torch.meshgrid(*[torch.arange(side, dtype=torch.float64)] * 2, indexing="ij")
        centre = torch.stack([(face * columns).sum(), (face * rows).sum()]) / face.sum()
        assert_close(centre, target, rtol=0, atol=0.05)


def test_the_template_at_112_pixels_is_arcface_s():
    assert_close(template(112), torch.tensor(TEMPLATE, dtype=torch.float64))
    assert_close(template(224).mean(0), template(112).mean(0) * 2 + 0.5)


@pytest.mark.parametrize("size", [200, 512])
def test_the_gradient_reaches_every_pixel_of_the_face_and_no_other(size):
    """Also where the face is shrunk several times over."""
    points = size / 112 * torch.tensor(TEMPLATE)[None] * 0.6 + 0.2 * size
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0), requires_grad=True)
    aligned(images, points, 112).sum().backward()
    face = images.grad[0, 0, round(0.22 * size) : round(0.78 * size), round(0.22 * size) : round(0.78 * size)]
    assert (face > 0).all()
    assert face.min() > 0.5 * face.max()
    assert not images.grad[..., : round(0.18 * size), :].any()


def test_the_gradient_is_the_slope():
    points = turned(torch.tensor(TEMPLATE, dtype=torch.float64) / 8, 0.4, 1.0, (5, 2))[None]
    images = random(1, 3, 20, 24).requires_grad_()
    assert torch.autograd.gradcheck(lambda images: aligned(images, points, 8), images)


def test_the_portrait_crop_is_freedom_s():
    images = torch.rand(1, 3, 256, 256)
    assert torch.equal(crop(images, "portrait"), images[:, :, 35:223, 32:220])
    assert torch.equal(crop(images, "whole picture"), images)
    assert crop(torch.rand(1, 3, 64, 128), "portrait").shape == (1, 3, 47, 94)


def test_a_mask_s_box_is_around_all_that_is_white():
    mask = torch.zeros(1, 1, 10, 12)
    mask[..., 2:5, 3:9] = 1
    assert box_around(mask).tolist() == [3, 2, 9, 5]
    assert boxed(torch.rand(2, 3, 10, 12), mask).shape == (2, 3, 3, 6)


def test_a_face_that_is_found_is_aligned_and_another_picture_cropped():
    views = FaceViews(FaceDetector(RedScrfd(), (320,)), "portrait", 112)
    images = torch.cat([red_picture(160, 120), torch.zeros(1, 3, 320, 320) + 0.5])
    faces = views(images)
    points = RED_POINTS + torch.tensor([160.0, 120.0])
    assert_close(faces[:1], aligned(images[:1], points[None], 112))
    assert_close(faces[1:], torch.full((1, 3, 112, 112), 0.5))


def test_the_points_are_looked_for_again_in_every_few_calls():
    views = FaceViews(FaceDetector(RedScrfd(), (320,)), "portrait", 112, refresh=3)
    places = []
    for x in (80, 120, 160, 200):
        views(red_picture(x, 120))
        places.append(float(views.points[0, 2, 0]))
    assert places == [80, 80, 80, 200]


def test_five_points_in_one_place_are_no_face():
    class Point(RedScrfd):
        def forward(self, image: Tensor) -> tuple[Tensor, ...]:
            outputs = super().forward(image)
            return (*outputs[:6], *(0 * points for points in outputs[6:]))

    found, _ = find_points(FaceDetector(Point(), (320,)), red_picture(160, 160))
    assert not found


def test_all_crops_lie_in_the_picture():
    for top, bottom, left, right in CROPS.values():
        assert 0 <= top < bottom <= 1
        assert 0 <= left < right <= 1
