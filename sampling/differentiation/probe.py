"""A gradient is held against a finite difference once a run: a step along it must change the loss as it says.

A wrong gradient does not fail. It guides to the wrong place, silently: where weights are exchanged between a pass and
its way back, say, or a network computes its own gradient badly.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..per_sample import dot_per_sample, norm_per_sample, per_sample, usable
from .networks import Denoiser, levels
from .pullbacks import RELATIVE_STEPS, slope
from .replay import Again

ROUGHLY = 4.0  # how many times too large or too small a change may be
FINE_STEP = 0.001  # of x's length, in single precision: what a gradient says holds for small steps
VALUE_STEP = 0.01  # of the place's length


def agreement(measured: Tensor, expected: Tensor) -> float:
    """Changes over what was expected of them, `[B]`: of the sample that is furthest from 1. 1 if there is none."""
    ratios = (measured / expected)[(expected > 0) & expected.isfinite() & measured.isfinite()].tolist()
    return min(ratios, key=lambda ratio: min(ratio, 1 / ratio) if ratio > 0 else ratio, default=1.0)


def roughly(ratio: float) -> bool:
    """Whether a change has the expected sign, and the size up to a factor."""
    return 1 / ROUGHLY < ratio < ROUGHLY


def denoiser_agreement(
    denoiser: Denoiser,
    precision: torch.dtype,
    again: Again,
    x: Tensor,
    sigma: float,
    denoised: Tensor,
    v: Tensor,
    gradient: Tensor,
) -> float:
    """⟨v, J·g/‖g‖⟩, by one more pass, over ‖g‖: 1 for g = Jᵀ·v, but for the length of the step.

    Args:
        denoiser: the one that was differentiated, and the precision of its arithmetic.
        again: the context of a second pass of the same step.
        denoised, v, gradient: x̂_0, ∂L/∂x̂_0 and Jᵀ·v.
    """
    step = RELATIVE_STEPS.get(precision, FINE_STEP)
    guided = per_sample(usable(gradient), gradient)
    g = torch.where(guided, gradient, 0)
    measured = dot_per_sample(v.double(), slope(denoiser, again, x, sigma, denoised, g, step).double())
    return agreement(measured, norm_per_sample(g).flatten().double())


def repeats(denoiser: Denoiser, again: Again, x: Tensor, sigma: float, denoised: Tensor, least: float = 0.02) -> bool:
    """Whether a second pass of a step gives the first one's estimate, up to a small share of its distance from x."""
    with torch.no_grad(), again():
        second = denoiser(x, levels(x, sigma))
    change, distance = (norm_per_sample(part).flatten() for part in (second - denoised, denoised - x))
    return not bool((change > least * distance).any())


def value_agrees(value_at: Callable[[Tensor], Tensor], place: Tensor, value: Tensor, gradient: Tensor) -> bool:
    """Whether a small step along a gradient changes a value by the step's length times the gradient's, roughly.

    Values that draw random numbers of their own, and differ at the same place, cannot be checked, and pass.

    Args:
        value_at: `[B, ...] → [B]`.
        place, value, gradient: where the gradient was taken, and what was found there.
    """
    length = norm_per_sample(gradient)
    there = per_sample(usable(gradient), gradient)
    step = VALUE_STEP * norm_per_sample(place)
    moved = value_at(place + step * torch.where(there, gradient / length, 0))
    expected = torch.where(there, step * length, 0).flatten()
    if roughly(agreement(moved - value, expected)):
        return True
    here = value_at(place)
    same = bool(((here - value).abs() < 0.1 * expected).all())
    return not same or roughly(agreement(moved - here, expected))
