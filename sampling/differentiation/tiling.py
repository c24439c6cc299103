"""Decoding in tiles, each one by itself, so that the memory is that of a tile however large the picture is."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .checkpointing import checkpointed

TILE, OVERLAP = 32, 8  # in latents


def starts(length: int) -> list[int]:
    """Where tiles begin, evenly, so that they cover this length and overlap by `OVERLAP` or more."""
    count = math.ceil((length - OVERLAP) / (TILE - OVERLAP))
    return [round(place * (length - TILE) / (count - 1)) for place in range(count)] if count > 1 else [0]


def ramp(start: int, length: int, scale: int) -> Tensor:
    """A tile's weight along one side, `[pixels]`: it rises over the overlap, but not at the picture's own border."""
    pixels = torch.arange(scale * min(TILE, length)) + 0.5
    rising = pixels if start > 0 else torch.full_like(pixels, math.inf)
    falling = pixels.flip(0) if start + TILE < length else torch.full_like(pixels, math.inf)
    return torch.minimum(rising, falling).clamp(max=OVERLAP * scale)


def decode_in_tiles(decode: Callable[[Tensor], Tensor], latent: Tensor, scale: int) -> Tensor:
    """About `decode(latent)`, blended from tiles. A tile's graph is made when the gradient is wanted, and then freed.

    Checkpoints do not nest, so the decoder is to have none within.

    Args:
        decode: latents `[B, ..., h, w]` → pictures `[N, 3, scale·h, scale·w]`.
        latent: `[B, ..., H, W]`.

    Returns:
        Pictures `[N, 3, scale·H, scale·W]`. A decoder sees no further than its tile, so the edges differ a little.
    """
    height, width = latent.shape[-2:]
    blended, total = latent.new_zeros(()), latent.new_zeros(())
    for top in starts(height):
        for left in starts(width):
            picture = checkpointed(decode, latent[..., top : top + TILE, left : left + TILE])
            weight = ramp(top, height, scale)[:, None] * ramp(left, width, scale)
            weight = weight.to(picture)
            above, before = scale * top, scale * left
            below, after = scale * height - above - weight.shape[0], scale * width - before - weight.shape[1]
            around = before, after, above, below
            blended, total = blended + F.pad(picture * weight, around), total + F.pad(weight, around)
    return blended / total
