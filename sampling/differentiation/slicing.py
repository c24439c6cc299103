"""Decoding the frames of a video that are looked at, and no others.

The first latent of a causal video autoencoder is one frame, each other one is k. A frame hangs on all latents before
it, but most of all on the near ones, so it is decoded from a short slice: Jang et al., "Frame Guidance", arXiv
2506.07177, take three latents, and need a fraction of the memory that the gradient of the whole takes.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

CONTEXTS = 2, 3, 4, 6, 8  # latents that a slice has before those whose frames are looked at: the first that is enough
LONGEST = 2  # latents whose frames are looked at in one slice, which bounds its memory
ALIKE = 0.5  # of a frame's contrast, on white noise; two frames that have nothing in common are 1.4 apart


class Slice(NamedTuple):
    """The latents from `start` up to `stop` (None: the last one), and which of the frames that they give are kept."""

    start: int
    stop: int | None
    kept: Sequence[int]


def frames_of_a_latent(latents: int, frames: int) -> int | None:
    """k, of a video with so many latents and frames; None if it is not 1 frame and k for each further latent."""
    if latents == 1:
        return 1 if frames == 1 else None
    return None if (frames - 1) % (latents - 1) else (frames - 1) // (latents - 1)


def slices(frames: Sequence[int], k: int, context: int) -> list[Slice]:
    """What has to be decoded for these frames. Neighbouring latents share a slice.

    Args:
        frames: numbers from 0, rising.
        k: frames of a latent.
        context: latents that a slice has before those whose frames are looked at.
    """
    groups: list[list[int]] = []
    for frame in frames:
        if groups and -(-frame // k) - -(-groups[-1][0] // k) < LONGEST:
            groups[-1].append(frame)
        else:
            groups.append([frame])
    return [_slice(group, k, context) for group in groups]


def _slice(frames: Sequence[int], k: int, context: int) -> Slice:
    """A slice's first latent is one frame, the last of the k that it is in the video."""
    start = max(0, -(-frames[0] // k) - context)
    return Slice(start, -(-frames[-1] // k) + 1, [frame - k * start for frame in frames])


def decode_slices(decode: Callable[[Tensor], Tensor], latent: Tensor, slices: Sequence[Slice]) -> Tensor:
    """The kept frames, `[B, C, T, h, w]` → `[B·K, 3, H, W]`.

    Args:
        decode: latents `[B, C, t, h, w]` → their frames, `[B·f, 3, H, W]`.
    """
    videos = [decode(latent[:, :, part.start : part.stop]).unflatten(0, (len(latent), -1)) for part in slices]
    return torch.cat([video[:, part.kept] for video, part in zip(videos, slices)], dim=1).flatten(0, 1)


def context_of(decode: Callable[[Tensor], Tensor], latent: Tensor, frames: int, k: int) -> int | None:
    """The least of `CONTEXTS` with which the last frame is about that of the whole video. None: it is with no one.

    Args:
        latent: `[B, C, T, h, w]`, of so many frames, k for a latent.
    """
    last = [frames - 1]
    with torch.no_grad():
        whole = decode_slices(decode, latent, [Slice(0, None, last)])
        most = ALIKE * (whole - whole.mean()).norm()
        for context in CONTEXTS:
            if (decode_slices(decode, latent, slices(last, k, context)) - whole).norm() <= most:
                return context
    return None
