"""The two identity networks know people again whom they have never seen, and are two, not one."""

import pytest
import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from embedded.evaluation.identity import WEIGHTS
from embedded.held_out import held_out_faces
from embedded.judges.identity import IdentityJudge
from guidance_losses.networks.face import load_face_network

NETWORKS = {
    "weights": lambda: load_face_network(WEIGHTS),
    "onnx": lambda: load_face_network(WEIGHTS.with_suffix(".onnx")),
    "judge": IdentityJudge.load,
}


def pictures(picture: int) -> Tensor:
    return torch.from_numpy(held_out_faces(picture)).permute(0, 3, 1, 2) / 255


@pytest.mark.parametrize("name", NETWORKS)
def test_another_picture_of_somebody_is_known_among_all(name, faces):
    """Another expression, clothes and background."""
    network = NETWORKS[name]()
    nearest = (network(pictures(1)) @ network(faces).T).argmax(1)
    assert (nearest == torch.arange(len(faces))).float().mean() > 0.85


@pytest.mark.parametrize("name", NETWORKS)
def test_a_soft_and_moved_face_is_known_among_all(name, faces):
    network = NETWORKS[name]()
    seen = gaussian_blur2d(faces.roll((2, -2), (2, 3)), 9, (1.5, 1.5))
    nearest = (network(seen) @ network(faces).T).argmax(1)
    assert (nearest == torch.arange(len(faces))).float().mean() > 0.9


@pytest.mark.parametrize("name", NETWORKS)
def test_another_skin_is_another_person(name, faces):
    """Hue is part of who somebody is."""
    network = NETWORKS[name]()
    same = gaussian_blur2d(faces, 5, (0.8, 0.8))
    likeness = (network(faces) * network(same)).sum(1) - (network(faces) * network(faces.flip(1))).sum(1)
    assert (likeness > 0.2).float().mean() > 0.9


def test_the_judge_looks_otherwise_than_the_network_that_guides(faces):
    """Their gradients on a picture have little in common, so that what pleases one need not please the other."""
    images = faces[:64].clone().requires_grad_()
    slopes = []
    for network in (NETWORKS["weights"](), NETWORKS["judge"]()):
        likeness = (network(images) * network(faces[64:])).sum()
        slopes.append(torch.autograd.grad(likeness, images)[0].flatten(1))
    assert torch.cosine_similarity(*slopes).abs().mean() < 0.3


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (3, 64, 64), (1, 64, 64, 3)])
def test_pictures_of_another_shape_are_refused_by_the_judge(shape):
    with pytest.raises(ValueError, match="faces must be"):
        IdentityJudge.load()(torch.zeros(shape))
