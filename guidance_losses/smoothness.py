"""Smoothness: what moves goes on as it moves, so nothing flickers and nothing jerks.

The second difference of neighbouring frames, x_{k+1} − 2x_k + x_{k−1}: zero where light changes evenly or not at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .input_error import InputError
from .loss import root_mean_square

LEAST = 3  # frames


@dataclass(frozen=True, eq=False)
class SmoothnessLoss:
    """How much the step from frame to frame changes."""

    name: str = "smoothness"

    def looks_at(self, frames: Sequence[int]) -> Sequence[int]:
        """All of them.

        Raises:
            InputError: for less than three.
        """
        if len(frames) < LEAST:
            raise InputError(f"it takes {LEAST} frames or more, and there are {len(frames)}; choose more of them.")
        return frames

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Root mean square over frames and pixels, in their units: `[batch, K, 3, H, W]` → `[batch]`."""
        return lambda videos: root_mean_square(videos.diff(n=2, dim=1))
