"""Noise that depends on the seed and the noise level alone.

A run that is split in two (some steps in one sampler node, the rest in the next) so draws the same noise as the whole
run, whatever step number each part counts from. It is drawn on the CPU, so that pictures repeat on every GPU.
"""

import hashlib
import struct

import torch
from torch import Tensor


class SeededNoise:
    """`noise(like, sigma)`: N(0, I) of like's shape, dtype and device; with a name, another draw for each name."""

    def __init__(self, seed: int):
        self.seed = seed

    def __call__(self, like: Tensor, sigma: float, name: str = "") -> Tensor:
        place = struct.pack("<Qd", self.seed & (2**64 - 1), sigma) + name.encode()
        digest = hashlib.blake2b(place, digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little", signed=True))
        return torch.randn(like.shape, generator=generator).to(like)
