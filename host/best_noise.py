"""The best of several noises for each picture, by the losses of a run's first steps."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .conditioning import losses_on
from .ksampler import sample_latent
from .sampler import GuidedSampler


class Choice(NamedTuple):
    """What was chosen of tries `[n, B]`, the first of which is the run's own noise.

    Attributes:
        latent: the LATENT, whose `batch_index` names the chosen noises: with the same seed it begins with them.
        chosen: `[B]`, the number of the chosen try.
        scores: `[n, B]`, lower is better; the loss itself if there is one.
    """

    latent: dict
    chosen: Tensor
    scores: Tensor


def best_noise(
    model: Any, positive: list, negative: list, latent: dict, sampler: GuidedSampler, tries: int, **settings: Any
) -> Choice:
    """Run the first steps with several noises, a batch at a time; choose for each picture the one that the losses like.

    Args:
        settings: the others of `sample_latent`, `last_step` among them.

    Raises:
        ValueError: in one sentence, if no loss was computed in these steps.
    """
    own = list(latent.get("batch_index") or range(len(latent["samples"])))
    numbers = [[number + shift * (max(own) + 1) for number in own] for shift in range(tries)]
    values: dict[str, list[list[float]]] = {}
    for each in numbers:
        _, report = sample_latent(model, positive, negative, latent | {"batch_index": each}, sampler, **settings)
        last = next((step.losses for step in reversed(report.steps) if step.losses), None)
        if last is None:
            raise ValueError(
                "DSG Best Noise: no loss was computed in these steps; put a loss between the text and positive, whose "
                "range begins within them."
            )
        for name, value in last.items():
            values.setdefault(name, []).append(value)
    weights = {name: applied.weight for name, applied in losses_on(positive).items()}
    scores = combined({name: torch.tensor(value) for name, value in values.items()}, weights)
    chosen = scores.argmin(0)
    kept = [numbers[place][picture] for picture, place in enumerate(chosen.tolist())]
    return Choice(latent | {"batch_index": kept}, chosen, scores)


def combined(values: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """One score of several losses: each in units of its own spread over the tries, by its weight.

    Args:
        values: name → `[n, B]`, a loss after each try.
    """
    finite = {name: value.nan_to_num(torch.inf, torch.inf) for name, value in values.items()}
    if len(finite) == 1:
        return next(iter(finite.values()))
    return torch.stack([weights[name] * standardized(value) for name, value in finite.items()]).sum(0)


def standardized(values: Tensor) -> Tensor:
    """`[n, B]` with mean 0 and standard deviation 1 over the finite ones of n; infinite ones stay so."""
    there = values.isfinite()
    count = there.sum(0).clamp_min(1)
    centred = values - values.where(there, 0).sum(0) / count
    spread = (centred.where(there, 0).square().sum(0) / count).sqrt()
    return centred / spread.clamp_min(torch.finfo(values.dtype).tiny)
