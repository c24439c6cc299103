"""Face identity with a detector; without one it is tested with the other losses that look through networks."""

import logging

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from embedded.held_out import held_out_faces
from guidance_losses import FaceIDLoss
from guidance_losses.face_alignment import REFRESH, aligned
from guidance_losses.networks.face import load_face_network
from guidance_losses.networks.face_detector import FaceDetector
from tests.guidance_losses.networks.scrfd import RED_POINTS, RedScrfd
from tools.comfyui import REPOSITORY

CPU = torch.device("cpu")
FACE = load_face_network(REPOSITORY / "embedded" / "weights" / "face" / "faces_irse.onnx")
DETECTOR = FaceDetector(RedScrfd(), (320,))  # takes 24 red pixels for a face
SIZE = 320


def scene(*faces: tuple[int, int, int], noise: int = 0) -> Tensor:
    """Grey noise with a drawn person's face, 96 pixels, for each (person, x, y), and what the detector looks for."""
    image = 0.5 + 0.1 * torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(noise)).expand(
        1, 3, -1, -1
    )
    image = image.clone()
    for person, x, y in faces:
        face = torch.from_numpy(held_out_faces()[person]).movedim(-1, 0)[None] / 255
        image[..., y - 48 : y + 48, x - 48 : x + 48] = torch.nn.functional.interpolate(face, (96, 96), mode="bilinear")
        image[0, :, y - 12 : y + 12, x - 12 : x + 12] = torch.tensor([1.0, 0, 0]).view(3, 1, 1)
    return image


def value(loss: FaceIDLoss, images: Tensor) -> Tensor:
    return loss.fit(len(images), *images.shape[-2:], CPU)(images)


def mask_at(x: int, y: int) -> Tensor:
    mask = torch.zeros(1, 1, SIZE, SIZE)
    mask[..., y - 20 : y + 20, x - 20 : x + 20] = 1
    return mask


def test_the_same_face_elsewhere_is_the_same_person():
    """Where a crop sees something else altogether."""
    reference, moved, other = scene((0, 80, 80)), scene((0, 232, 200), noise=1), scene((9, 232, 200), noise=1)
    loss = FaceIDLoss(FACE, reference, "whole picture", detector=DETECTOR)
    assert float(value(loss, moved)) < 0.01
    assert float(value(loss, other)) > 0.5


def test_the_value_is_the_distance_of_the_embeddings_of_the_aligned_faces():
    reference, images = scene((3, 80, 80)), torch.cat([scene((5, 160, 120)), scene((7, 200, 96))])

    def embedding(image: Tensor, x: int, y: int) -> Tensor:
        return FACE(aligned(image, (RED_POINTS + torch.tensor([x, y]))[None], 64))

    wanted = embedding(reference, 80, 80)
    expected = torch.cat([embedding(images[:1], 160, 120), embedding(images[1:], 200, 96)]) - wanted
    assert_close(value(FaceIDLoss(FACE, reference, detector=DETECTOR), images), expected.norm(dim=1))


def test_a_mask_says_whose_face_counts():
    reference = scene((0, 80, 80), (9, 232, 200))
    for person, x, y in ((0, 80, 80), (9, 232, 200)):
        loss = FaceIDLoss(FACE, reference, face_mask=mask_at(x, y), detector=DETECTOR)
        assert float(value(loss, scene((person, 160, 160), noise=2))) < 0.01


def test_without_a_detector_the_mask_s_box_is_the_face():
    face, other = (torch.from_numpy(held_out_faces()[[person]]).movedim(-1, 1) / 255 for person in (0, 9))
    sheet = torch.cat([other, face], dim=3)
    mask = torch.zeros(1, 1, 64, 128)
    mask[..., 64:] = 1
    loss = FaceIDLoss(FACE, sheet, "whole picture", face_mask=mask)
    assert float(value(loss, face)) < 1e-5
    assert float(value(loss, other)) > 0.5


def test_the_gradient_is_that_of_finite_differences_and_only_in_the_face():
    images, network, detector = scene((5, 160, 120)), FACE.double(), DETECTOR.double()
    try:
        loss = FaceIDLoss(network, scene((3, 80, 80)).double(), detector=detector)
        leaf = images.double().requires_grad_()
        (gradient,) = torch.autograd.grad(value(loss, leaf).sum(), leaf)
        direction = gradient / gradient.norm()
        above, below = (value(loss, images.double() + step * direction) for step in (1e-5, -1e-5))
        assert float(above - below) / 2e-5 == pytest.approx(float(gradient.norm()), rel=1e-3)
        assert not gradient[..., 260:, :].any()
    finally:
        FACE.float()
        DETECTOR.float()


def test_a_picture_does_not_depend_on_its_neighbours():
    """Whether they have a face or not."""
    images = torch.cat([scene((5, 160, 120)), scene(), scene((7, 200, 96))])
    loss = FaceIDLoss(FACE, scene((3, 80, 80)), detector=DETECTOR)
    alone = torch.cat([value(loss, image) for image in images.split(1)])
    assert_close(value(loss, images), alone)


def test_black_white_and_wild_pictures_have_finite_values_and_gradients():
    noise = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    images = torch.cat([0 * noise, 0 * noise + 1, noise, 50 * noise - 20]).requires_grad_()
    values = value(FaceIDLoss(FACE, scene((3, 80, 80)), "portrait", detector=DETECTOR), images)
    assert values.shape == (4,)
    assert values.isfinite().all()
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert gradient.isfinite().all()


def test_a_face_that_moves_is_followed_after_a_few_calls():
    loss = FaceIDLoss(FACE, scene((0, 80, 80)), detector=DETECTOR).fit(1, SIZE, SIZE, CPU)
    loss(scene((0, 120, 120)))
    moved = scene((0, 232, 200))
    values = [float(loss(moved)) for _ in range(REFRESH)]
    assert min(values[:-1]) > 0.3
    assert values[-1] < 0.01


def test_a_reference_without_a_face_stops_the_run_and_says_which():
    references = torch.cat([scene((0, 80, 80)), scene()])
    with pytest.raises(ValueError, match=r"^there is no face on reference picture 2; .* skip"):
        FaceIDLoss(FACE, references, detector=DETECTOR).fit(1, SIZE, SIZE, CPU)


def test_a_reference_without_a_face_can_be_skipped(caplog):
    images = scene((5, 160, 120))
    references = torch.cat([scene((0, 80, 80)), scene()])
    with caplog.at_level(logging.WARNING):
        skipping = value(FaceIDLoss(FACE, references, detector=DETECTOR, no_face="skip"), images)
    assert "no face on reference picture 2" in caplog.text
    assert_close(skipping, value(FaceIDLoss(FACE, references[:1], detector=DETECTOR), images))


@pytest.mark.parametrize("one_each", [False, True])
def test_without_any_face_the_loss_pulls_nowhere(one_each):
    images = scene((5, 160, 120)).requires_grad_()
    values = value(FaceIDLoss(FACE, scene(), one_each=one_each, detector=DETECTOR, no_face="skip"), images)
    assert values.tolist() == [0]
    (gradient,) = torch.autograd.grad(values.sum(), images)
    assert not gradient.any()


def test_with_one_reference_each_only_those_without_a_face_are_skipped():
    images = torch.cat([scene((5, 160, 120)), scene((7, 200, 96))])
    references = torch.cat([scene((0, 80, 80)), scene()])
    values = value(FaceIDLoss(FACE, references, one_each=True, detector=DETECTOR, no_face="skip"), images)
    assert_close(values[:1], value(FaceIDLoss(FACE, references[:1], detector=DETECTOR), images[:1]))
    assert values[1] == 0
