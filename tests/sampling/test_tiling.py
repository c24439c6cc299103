"""A picture that is decoded in tiles is nearly the one that is decoded at once, and so is its gradient."""

import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close

from sampling.differentiation.saved_tensors import saved_tensors
from sampling.differentiation.tiling import OVERLAP, TILE, decode_in_tiles, starts

SCALE = 4
MIXING = torch.randn(3, 4, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
BLUR = torch.ones(3, 1, 5, 5, dtype=torch.float64) / 25


def pixelwise(latent: Tensor) -> Tensor:
    """Each picture's square depends on its own latent alone."""
    frames = latent.transpose(1, 2).flatten(0, 1) if latent.ndim == 5 else latent
    return torch.tanh(F.interpolate(F.conv2d(frames, MIXING), scale_factor=SCALE))


def blurring(latent: Tensor) -> Tensor:
    """And here on the neighbouring ones too, with zeros around the picture."""
    return F.conv2d(pixelwise(latent), BLUR, padding=2, groups=3)


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def value_and_gradient(decode, latent: Tensor) -> tuple[Tensor, Tensor]:
    latent = latent.clone().requires_grad_()
    value = decode(latent)
    weights = torch.randn(value.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return value.detach(), torch.autograd.grad((weights * value).sum(), latent)[0]


@pytest.mark.parametrize(
    "shape", [(2, 4, 80, 80), (1, 4, 33, 57), (1, 4, 20, 100), (1, 4, 32, 32), (1, 4, 3, 40, 40)], ids=str
)
def test_a_decoder_that_sees_single_latents_is_met_exactly(shape):
    latent = random(*shape)
    found = value_and_gradient(lambda z: decode_in_tiles(pixelwise, z, SCALE), latent)
    for value, expected in zip(found, value_and_gradient(pixelwise, latent)):
        assert_close(value, expected)


def test_one_that_sees_neighbours_is_met_closely_and_without_seams():
    latent = random(1, 4, 80, 80)
    found = value_and_gradient(lambda z: decode_in_tiles(blurring, z, SCALE), latent)
    expected = value_and_gradient(blurring, latent)
    assert (found[0] - expected[0]).abs().max() < 0.05 * expected[0].abs().max()
    assert torch.cosine_similarity(found[1].flatten(), expected[1].flatten(), 0) > 0.999


@pytest.mark.parametrize("length", [1, 31, 32, 33, 56, 57, 64, 100, 128, 333])
def test_tiles_cover_every_length_and_overlap(length):
    found = starts(length)
    assert found[0] == 0
    assert found[-1] + TILE >= length
    assert all(0 < later - earlier <= TILE - OVERLAP for earlier, later in itertools.pairwise(found))
    assert all(start + TILE <= length for start in found) or length < TILE


def test_a_tile_s_graph_is_not_kept():
    def deep(latent: Tensor) -> Tensor:
        pictures = pixelwise(latent)
        for _ in range(20):
            pictures = torch.sin(pictures)
        return pictures

    latent = random(1, 4, 128, 128).requires_grad_()
    with saved_tensors() as at_once:
        deep(latent)
    with saved_tensors() as in_tiles:
        decode_in_tiles(deep, latent, SCALE)
    assert in_tiles() < at_once() / 5  # the tiles' latents and their weights in the blend
