"""Which pictures of a batch these are, and which noise levels they go through."""

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

MOST_DRAWN = 2**25  # numbers, to find out which pictures of a batch these are


def check_sigmas(sigmas: Tensor) -> Tensor:
    """The noise levels of a run, each once: a step from a level to itself is none.

    Raises:
        ValueError: in one sentence, if they are no such levels.
    """
    levels = sigmas.tolist()
    if not all(math.isfinite(level) for level in levels) or min(levels, default=0.0) < 0:
        raise ValueError("DSG: the sigmas hold negative, infinite or NaN values; connect a scheduler's.")
    rising = [number for number, (before, after) in enumerate(pairwise(levels), 1) if after > before]
    if rising:
        raise ValueError(
            f"DSG: the sigmas rise at step {rising[0]}, and a guided run goes from noise to picture; connect them in "
            "falling order, as schedulers give them."
        )
    if levels and levels[0] == 0:
        raise ValueError(
            "DSG: the sigmas begin at 0, where there is no noise to guide; begin with a scheduler's first."
        )
    return torch.unique_consecutive(sigmas)


def batch_numbers(model: Any, x: Tensor, seed: int | None) -> list[int] | None:
    """Which samples of the seed's own batch these are, by their first noise. None: it cannot be told.

    The host's custom sampling nodes tell a sampler the noise, and not the `batch_index` that it was drawn for.
    """
    noise = getattr(model, "noise", None)
    if seed is None or noise is None or noise.shape != x.shape or not noise.any():
        return None
    generator = torch.Generator().manual_seed(seed)
    numbers: dict[int, int] = {}
    for number in range(max(len(noise), min(MOST_DRAWN // noise[0].numel(), 256))):
        drawn = torch.randn(noise.shape[1:], generator=generator).to(noise)
        numbers |= {place: number for place, sample in enumerate(noise) if torch.equal(sample, drawn)}
        if len(numbers) == len(noise):
            return [numbers[place] for place in range(len(noise))]
    return None
