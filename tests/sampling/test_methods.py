"""The methods' numbers, their schedules, and how they become a displacement."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from sampling import DPS, DSG, FREEDOM, MPGD, TFG, UGD
from sampling.estimate import EstimateGradient
from sampling.guided_step import GuidedEstimate, StepNumbers, displacement
from sampling.posterior import posterior
from sampling.schedules import constant, inverse_signal, noise, rising, rising_at_start, signal

ALPHA_BARS = [0.01, 0.1, 0.5, 0.9, 1.0]


def test_dsg_is_dps_on_the_sphere():
    assert replace(DSG, name="DPS", spherical=False) == DPS


def test_a_strength_replaces_rho_or_mu_and_keeps_their_ratio():
    assert DPS.with_strength(7.0).rho == 7.0
    assert MPGD.with_strength(7.0).mu == 7.0
    stronger = TFG.with_strength(2 * TFG.rho)
    assert (stronger.rho, stronger.mu) == (2 * TFG.rho, 2 * TFG.mu)


@pytest.mark.parametrize(
    ("percent", "repeats"), [(0.0, 1), (0.29, 1), (0.3, 3), (0.45, 3), (0.6, 3), (0.61, 1), (1.0, 1)]
)
def test_steps_are_repeated_in_the_semantic_stage_alone(guide, percent, repeats):
    sigma = 10 * (1 - percent)
    assert guide(method=FREEDOM).repeats(sigma) == repeats
    assert guide(method=UGD).repeats(sigma) == 6
    assert guide(method=DSG).repeats(sigma) == 1


def test_schedules():
    assert constant(ALPHA_BARS) == [1, 1, 1, 1]
    assert signal(ALPHA_BARS) == pytest.approx([0.1, math.sqrt(0.1), math.sqrt(0.5), math.sqrt(0.9)])
    assert inverse_signal(ALPHA_BARS) == pytest.approx([10, 1 / math.sqrt(0.1), 1 / math.sqrt(0.5), 1 / math.sqrt(0.9)])
    assert noise(ALPHA_BARS) == pytest.approx([math.sqrt(0.99), math.sqrt(0.9), math.sqrt(0.5), math.sqrt(0.1)])
    alphas = [0.1, 0.2, 0.5 / 0.9, 0.9]
    assert rising(ALPHA_BARS) == pytest.approx([4 * alpha / sum(alphas) for alpha in alphas])
    assert rising_at_start(ALPHA_BARS) == pytest.approx([4 * math.sqrt(alpha) / sum(alphas) for alpha in alphas])


@pytest.mark.parametrize("schedule", [constant, signal, inverse_signal, noise, rising, rising_at_start])
def test_schedules_are_finite_where_a_flow_begins_in_pure_noise(schedule):
    assert all(math.isfinite(factor) for factor in schedule([0.0, 0.3, 1.0]))
    assert len(schedule([0.0, 0.3, 1.0])) == 2
    assert schedule([0.5]) == []
    assert len(schedule([0.0, 0.0])) == 1


def numbers(sigma_t: float, sigma_s: float, flow: bool, rho: float = 0.0) -> StepNumbers:
    return StepNumbers(rho, 0.0, 0.0, sigma_t, sigma_s, 1.0, flow)


def estimate(gradient: torch.Tensor, shift: torch.Tensor) -> GuidedEstimate:
    return GuidedEstimate(
        torch.zeros_like(shift), gradient, shift, EstimateGradient(gradient, torch.ones(len(shift)), {})
    )


def test_the_step_is_that_of_the_variance_preserving_coordinates():
    """a = 1 / sqrt(α² + σ²): at α = 1, σ_t = sqrt(8), σ_s = sqrt(3) a step of ζ·g is one of ζ·g·3·2 here."""
    g = torch.randn(2, 3, 4, 4)
    still = estimate(g, torch.zeros_like(g))
    moved = displacement(DPS, numbers(math.sqrt(8), math.sqrt(3), False, 0.5), still)
    assert_close(moved, -0.5 * 6 * g)
    a_t, a_s = 1 / math.hypot(0.2, 0.8), 1 / math.hypot(0.4, 0.6)
    assert_close(displacement(DPS, numbers(0.8, 0.6, True, 0.5), still), -0.5 * g / (a_t * a_s))


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.9), st.booleans())
def test_guidance_of_the_noise_is_a_plain_step_from_another_estimate(sigma_t, share, flow):
    x, denoised, shift = torch.randn(3, 2, 3, 4, 4, dtype=torch.float64)
    sigma_s = share * sigma_t
    moved = displacement(UGD, numbers(sigma_t, sigma_s, flow), estimate(torch.zeros_like(x), shift))
    before, _ = posterior(x, denoised, sigma_t, sigma_s, 1.0, flow)
    after, _ = posterior(x, denoised + shift, sigma_t, sigma_s, 1.0, flow)
    assert_close(moved, after - before, rtol=1e-9, atol=1e-9)


def test_in_pure_noise_a_flow_is_not_guided_through_its_noise():
    g = torch.randn(2, 3, 4, 4)
    assert not displacement(UGD, numbers(1.0, 0.9, True, 6.0), estimate(g, g)).any()
