"""How a method's strength moves over the run.

A schedule turns ᾱ of each noise level of the run, `[steps + 1]`, into one factor for each step, `[steps]`. ᾱ_t is where
a step begins, ᾱ_s where it ends, and α_t = ᾱ_t / ᾱ_s.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

Schedule = Callable[[Sequence[float]], list[float]]


def constant(alpha_bars: Sequence[float]) -> list[float]:
    """1."""
    return [1.0] * (len(alpha_bars) - 1)


def signal(alpha_bars: Sequence[float]) -> list[float]:
    """sqrt(ᾱ_t)."""
    return [math.sqrt(alpha_bar) for alpha_bar in alpha_bars[:-1]]


def inverse_signal(alpha_bars: Sequence[float]) -> list[float]:
    """1 / sqrt(ᾱ_t); 0 at pure noise, where ᾱ_t = 0, which the papers' schedules never reach."""
    return [1 / math.sqrt(alpha_bar) if alpha_bar > 0 else 0.0 for alpha_bar in alpha_bars[:-1]]


def noise(alpha_bars: Sequence[float]) -> list[float]:
    """sqrt(1 − ᾱ_t)."""
    return [math.sqrt(1 - alpha_bar) for alpha_bar in alpha_bars[:-1]]


def step_alphas(alpha_bars: Sequence[float]) -> list[float]:
    """α_t of each step; 0 from pure noise."""
    return [bar_t / bar_s if bar_s > 0 else 0.0 for bar_t, bar_s in pairwise(alpha_bars)]


def rising(alpha_bars: Sequence[float]) -> list[float]:
    """α_t, scaled so that the factors' mean is 1."""
    alphas = step_alphas(alpha_bars)
    total = sum(alphas)
    return [len(alphas) * alpha / total for alpha in alphas] if total > 0 else alphas


def rising_at_start(alpha_bars: Sequence[float]) -> list[float]:
    """`rising` / sqrt(α_t): the step is taken at x_t, and grows by 1 / sqrt(α_t) on its way to x_s."""
    alphas = step_alphas(alpha_bars)
    return [factor / math.sqrt(alpha) if alpha > 0 else 0.0 for factor, alpha in zip(rising(alpha_bars), alphas)]
