"""Noise that depends on the seed and the noise level alone.

A run that is split in two (some steps in one sampler node, the rest in the next) so draws the same noise as the whole
run, whatever step number each part counts from. It is drawn on the CPU, so that pictures repeat on every GPU.
"""

import hashlib
import struct
from collections.abc import Sequence

import torch
from torch import Tensor


class SeededNoise:
    """`noise(like, sigma)`: N(0, I) of like's shape, dtype and device; with a name, another draw for each name.

    Args:
        numbers: of the batch's samples in the batch that they are from, as in the host's `batch_index`. A sample keeps
            its noise when it is taken out. None: 0, 1, 2 …
    """

    def __init__(self, seed: int, numbers: Sequence[int] | None = None):
        self.seed, self.numbers = seed, numbers

    def __call__(self, like: Tensor, sigma: float, name: str = "") -> Tensor:
        place = struct.pack("<Qd", self.seed & (2**64 - 1), sigma) + name.encode()
        digest = hashlib.blake2b(place, digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little", signed=True))
        numbers = range(len(like)) if self.numbers is None else self.numbers
        # One after the other up to the last that is wanted, as the host draws a run's first noise.
        drawn = [torch.randn(like.shape[1:], generator=generator) for _ in range(max(numbers) + 1)]
        return torch.stack([drawn[number] for number in numbers]).to(like)
