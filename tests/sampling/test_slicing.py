"""Frames of a video that are decoded from slices are those of the whole video, and so is their gradient."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close

from sampling.differentiation.saved_tensors import saved_tensors
from sampling.differentiation.slicing import (
    CONTEXTS,
    Slice,
    context_of,
    decode_slices,
    frames_of_a_latent,
    slices,
)

K, LATENTS = 4, 12
FRAMES = 1 + K * (LATENTS - 1)
LIGHTS = torch.linspace(0.5, 1.5, K, dtype=torch.float64)  # of the frames of a latent


def causal(latent: Tensor, sight: int = 3) -> Tensor:
    """`[B, 3, T, h, w]` → `[B·(1 + 4(T − 1)), 3, h, w]`: each frame hangs on `sight` latents alike."""
    seen = sum(F.pad(latent, (0, 0, 0, 0, back, 0))[:, :, : latent.shape[2]] for back in range(sight))
    frames = torch.tanh(0.1 * seen[:, :, :, None] * LIGHTS[:, None, None]).flatten(2, 3)
    return frames[:, :, K - 1 :].transpose(1, 2).flatten(0, 1)


def random(batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, LATENTS, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("frames", [[0], [44], [0, 44], [1, 2, 3, 9, 10], [0, 8, 16, 24], list(range(FRAMES))], ids=str)
def test_frames_and_gradients_are_those_of_the_whole_where_the_context_is_all_that_is_seen(frames):
    latents = [random().requires_grad_() for _ in range(2)]
    whole = causal(latents[0]).unflatten(0, (2, -1))[:, frames].flatten(0, 1)
    sliced = decode_slices(causal, latents[1], slices(frames, K, 2))
    assert_close(sliced, whole)
    for decoded in (whole, sliced):
        (decoded * torch.linspace(0, 1, decoded.numel(), dtype=torch.float64).view_as(decoded)).sum().backward()
    assert_close(latents[1].grad, latents[0].grad)


def test_no_more_is_decoded_than_the_frames_and_their_context():
    decoded = []

    def watched(latent: Tensor) -> Tensor:
        decoded.append(latent.shape[2])
        return causal(latent)

    decode_slices(watched, random(), slices([0, 44], K, 2))
    assert decoded == [1, 3]


def test_what_is_kept_does_not_grow_with_the_video():
    def kept(latents: int) -> int:
        latent = random(1).repeat(1, 1, latents // LATENTS, 1, 1).requires_grad_()
        with saved_tensors() as most:
            decode_slices(causal, latent, slices([0, K * (latents - 1)], K, 2)).sum().backward()
        return most()

    assert kept(4 * LATENTS) == kept(LATENTS)


def test_slices_by_hand():
    assert slices([0], K, 2) == [Slice(0, 1, [0])]
    assert slices([1, 4], K, 2) == [Slice(0, 2, [1, 4])]
    assert slices([40, 41], K, 2) == [Slice(8, 12, [8, 9])]
    assert slices([0, 8, 16, 40], K, 2) == [Slice(0, 1, [0]), Slice(0, 3, [8]), Slice(2, 5, [8]), Slice(8, 11, [8])]
    assert slices([12, 13, 20], K, 1) == [Slice(2, 5, [4, 5]), Slice(4, 6, [4])]


@pytest.mark.parametrize(
    ("latents", "frames", "k"), [(1, 1, 1), (5, 17, 4), (5, 33, 8), (5, 5, 1), (5, 20, None), (1, 4, None)]
)
def test_how_many_frames_a_latent_is(latents, frames, k):
    assert frames_of_a_latent(latents, frames) == k


@pytest.mark.parametrize(("sight", "context"), [(1, 2), (3, 2), (6, 4), (10, 8)])
def test_the_context_is_as_long_as_the_decoder_sees(sight, context):
    assert context_of(lambda latent: causal(latent, sight), random(1), FRAMES, K) == context
    assert context in CONTEXTS


def test_there_is_none_where_each_frame_hangs_on_the_whole_video():
    def backwards(latent: Tensor) -> Tensor:
        return causal(latent.flip(2))

    assert context_of(backwards, random(1), FRAMES, K) is None
