"""Seamless: the picture tiles, because what jumps across its border jumps no more than its inside does.

The picture is a ring: its last column lies beside its first. At each scale s, the mean of s×s pixels right of a place
is compared with that left of it. Across the seam this is the jump, elsewhere the interior's own; small s are the high
frequencies, a line along the seam, large s the low ones, light and colour that differ from side to side.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .input_error import InputError
from .loss import norm

TILINGS = {"both": ("x", "y"), "x": ("x",), "y": ("y",)}
LARGEST_SHARE = 8  # the largest scale is this part of the side
LEAST_SIDE = 2 * LARGEST_SHARE  # pixels


def ring_jumps(images: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """What jumps from left to right in a picture whose last column lies beside its first.

    Args:
        images: `[B, 3, H, W]`.
        scale: s, pixels each way that a mean is taken of.

    Returns: across the seam, `[B, 3, H − s + 1, 1]`; and inside, where no mean reaches over the seam,
        `[B, 3, H − s + 1, W − 2s + 1]`.
    """
    ring = torch.cat([images, images[..., : scale - 1]], dim=3)
    means = F.avg_pool2d(ring, scale, stride=1)
    jumps = means - means.roll(scale, dims=3)
    return jumps[..., :1], jumps[..., scale : images.shape[3] - scale + 1]


def excess(images: Tensor, scale: int) -> Tensor:
    """By how much each place of the seam jumps more than the interior does on average, `[B, 3, H − s + 1, 1]`."""
    seam, interior = ring_jumps(images, scale)
    return (seam.abs() - interior.abs().mean(dim=(1, 2, 3), keepdim=True)).clamp(min=0)


def scales(side: int) -> list[int]:
    """1, 2, 4, … up to an eighth of the side."""
    return [2**power for power in range((side // LARGEST_SHARE).bit_length())]


@dataclass(frozen=True, eq=False)
class SeamlessLoss:
    """How much more the picture jumps across its border than inside.

    Attributes:
        tiles: a key of `TILINGS`: in which directions copies of the picture lie beside it.
    """

    tiles: str = "both"
    name: str = "seam"

    @property
    def wraps(self) -> tuple[bool, bool]:
        """Whether the picture goes on at its other side, from top to bottom, and from left to right."""
        return "y" in TILINGS[self.tiles], "x" in TILINGS[self.tiles]

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Root mean square of the excess over the seam, summed over scales and directions, per sample.

        Raises:
            InputError: for a picture with less than 16 pixels each way.
        """
        side = min(height, width)
        if side < LEAST_SIDE:
            raise InputError(f"the picture of {width}×{height} is too small to tile; {LEAST_SIDE} pixels is the least.")

        def loss(images: Tensor) -> Tensor:
            turned = [images if direction == "x" else images.mT for direction in TILINGS[self.tiles]]
            excesses = [excess(ring, scale) for ring in turned for scale in scales(side)]
            return torch.stack([norm(each) / each[0].numel() ** 0.5 for each in excesses]).sum(0)

        return loss

    def compared(self, images: Tensor) -> tuple[str, Tensor]:
        """The picture, tiled."""
        return "no seam between the copies", tiled(images, self.tiles)


def tiled(images: Tensor, tiles: str) -> Tensor:
    """Two copies beside each other in each direction: `[B, 3, H, W] → [B, 3, H or 2H, W or 2W]`."""
    return images.repeat(1, 1, 1 + ("y" in TILINGS[tiles]), 1 + ("x" in TILINGS[tiles]))
