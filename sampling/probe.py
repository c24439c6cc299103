"""A gradient is held against a finite difference once a run: a step along it must change the loss as it says.

A wrong gradient does not fail. It guides to the wrong place, silently: where weights are exchanged between a pass and
its way back, say, or a network computes its own gradient badly.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .estimate import EstimateGradient, per_sample
from .jacobian import Denoiser, Denoisers, levels, slope
from .replay import Again
from .spherical import norm_per_sample, usable

ROUGHLY = 4.0  # how many times too large or too small a change may be
LOSS_STEP = 0.01  # of the estimate's length


def dot_per_sample(a: Tensor, b: Tensor) -> Tensor:
    """`[B, ...]` and `[B, ...]` → `[B]`."""
    return torch.stack([(one * other).sum() for one, other in zip(a, b)])


def agrees(measured: Tensor, expected: Tensor) -> bool:
    """Whether changes, `[B]`, have the expected sign and roughly the size, where there is one to expect."""
    ratio = (measured / expected)[(expected > 0) & expected.isfinite() & measured.isfinite()]
    return bool(((ratio > 1 / ROUGHLY) & (ratio < ROUGHLY)).all())


def denoiser_agrees(
    denoiser: Denoiser,
    denoisers: Denoisers,
    again: Again,
    x: Tensor,
    sigma: float,
    denoised: Tensor,
    v: Tensor,
    gradient: Tensor,
) -> bool:
    """Whether ⟨v, J·g/‖g‖⟩, by one more pass, is roughly ‖g‖, as it is for g = Jᵀ·v.

    Args:
        denoiser: the one that was differentiated.
        again: the context of a second pass of the same step.
        denoised, v, gradient: x̂_0, ∂L/∂x̂_0 and Jᵀ·v.
    """
    guided = per_sample(usable(gradient), gradient)
    g = torch.where(guided, gradient, 0)
    measured = dot_per_sample(v.double(), slope(denoiser, denoisers, again, x, sigma, denoised, g).double())
    return agrees(measured, norm_per_sample(g).flatten().double())


def repeats(denoiser: Denoiser, again: Again, x: Tensor, sigma: float, denoised: Tensor, least: float = 0.02) -> bool:
    """Whether a second pass of a step gives the first one's estimate, up to a small share of its distance from x."""
    with torch.no_grad(), again():
        second = denoiser(x, levels(x, sigma))
    change, distance = (norm_per_sample(part).flatten() for part in (second - denoised, denoised - x))
    return not bool((change > least * distance).any())


def losses_agree(value_at: Callable[[Tensor], Tensor], denoised: Tensor, at_estimate: EstimateGradient) -> bool:
    """Whether a small step along v changes the losses by its length times ‖v‖, roughly.

    Losses that draw random numbers of their own, and differ at the same place, cannot be checked, and pass.

    Args:
        value_at: x̂_0 → the losses there, `[B]`, by the factors of `at_estimate`.
    """
    length = norm_per_sample(at_estimate.v)
    there = per_sample(usable(at_estimate.v), at_estimate.v)
    step = LOSS_STEP * norm_per_sample(denoised)
    moved = value_at(denoised + step * torch.where(there, at_estimate.v / length, 0))
    expected = torch.where(there, step * length, 0).flatten()
    if agrees(moved - at_estimate.excess, expected):
        return True
    here = value_at(denoised)
    return not bool(((here - at_estimate.excess).abs() < 0.1 * expected).all()) or agrees(moved - here, expected)
