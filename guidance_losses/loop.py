"""Loop: the video goes on from its end to its beginning.

The distance of the first frame to the last one is the loop loss of Jang et al., "Frame Guidance", arXiv 2506.07177.
With it alone the video would stop at the seam, so its last step has to be as its first one, too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .input_error import InputError
from .loss import root_mean_square

LEAST = 3  # frames: with two, the only step would have to be none


@dataclass(frozen=True, eq=False)
class LoopLoss:
    """Distance of the last frame to the first one, and of the last step to the first one."""

    name: str = "loop"

    def looks_at(self, frames: Sequence[int]) -> Sequence[int]:
        """Two at each end.

        Raises:
            InputError: for less than three.
        """
        if len(frames) < LEAST:
            raise InputError(f"a loop has {LEAST} frames or more, and there are {len(frames)}; choose more of them.")
        return sorted({*frames[:2], *frames[-2:]})

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Root mean squares over the pixels, in their units: `[batch, 3 or 4, 3, H, W]` → `[batch]`."""

        def loss(videos: Tensor) -> Tensor:
            first, second, last_but_one, last = videos[:, [0, 1, -2, -1]].unbind(1)
            turn = (last - last_but_one) - (second - first)
            return root_mean_square(last - first) + root_mean_square(turn)

        return loss

    def compared(self, images: Tensor) -> tuple[str, Tensor]:
        """The last frame beside the first one."""
        return "the end goes on as the beginning", torch.cat([images[-1:], images[:1]], dim=3)
