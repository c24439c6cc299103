"""The methods' numbers, their schedules, and how they become a displacement."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from sampling import DPMPP_2M, DPS, DSG, FREEDOM, METHODS, MPGD, POSTERIOR_MEAN, TFG, UGD, Spherical, Unconstrained
from sampling.estimate import EstimateGradient
from sampling.methods.estimator import GuidedEstimate, Oracle
from sampling.methods.schedules import constant, inverse_signal, noise, rising, rising_at_start, signal
from sampling.step import Previous, Step

ALPHA_BARS = [0.01, 0.1, 0.5, 0.9, 1.0]


def test_dsg_is_dps_on_the_sphere():
    assert replace(DSG, name="DPS", constraint=Unconstrained()) == DPS


def test_a_strength_replaces_rho_or_mu_and_keeps_their_ratio():
    assert DPS.with_strength(7.0).rho == 7.0
    assert MPGD.with_strength(7.0).mu == 7.0
    stronger = TFG.with_strength(2 * TFG.rho)
    assert (stronger.rho, stronger.mu) == (2 * TFG.rho, 2 * TFG.mu)


@pytest.mark.parametrize(
    ("percent", "repeats"), [(0.0, 1), (0.29, 1), (0.3, 3), (0.45, 3), (0.6, 3), (0.61, 1), (1.0, 1)]
)
def test_steps_are_repeated_in_the_semantic_stage_alone(guide, percent, repeats):
    step = Step(0, 10 * (1 - percent), 0.0, progress=guide().progress)
    assert FREEDOM.repeats(step, 20) == repeats
    assert UGD.repeats(step, 20) == 6
    assert DSG.repeats(step, 20) == 1


@pytest.mark.parametrize(("steps", "repeats"), [(2, 12), (4, 6), (5, 4), (8, 3), (12, 2), (13, 1), (100, 1)])
def test_few_steps_but_the_first_are_repeated_as_often_as_fits_into_24_passes(guide, steps, repeats):
    first, later = (Step(index, 1.0, 0.5, progress=guide().progress) for index in (0, 1))
    assert POSTERIOR_MEAN.repeats(first, steps) == 1
    assert POSTERIOR_MEAN.repeats(later, steps) == repeats
    assert DSG.repeats(later, steps) == 1


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


def estimate(method, step: Step, x: torch.Tensor, gradient: torch.Tensor) -> GuidedEstimate:
    """What a method makes of a gradient that is the same everywhere, with a denoiser whose Jacobian is the identity."""
    at_estimate = EstimateGradient(gradient, torch.ones(len(x)), torch.zeros(len(x)), {})
    gradient_at = lambda denoised, *_: at_estimate  # noqa: E731
    oracle = Oracle(lambda x: (x, lambda v: v), gradient_at, lambda name: torch.zeros_like(x), [], gradient_at)
    (strengths,) = method.strengths([step])
    return method.estimator(x, step, strengths, oracle)


def test_the_step_is_that_of_the_variance_preserving_coordinates():
    """a = 1 / sqrt(α² + σ²): at α = 1, σ_t = sqrt(8), σ_s = sqrt(3) a step of ζ·g is one of ζ·g·3·2 here."""
    x, g = torch.randn(2, 2, 3, 4, 4)
    half = replace(DPS, rho=0.5)
    assert_close(estimate(half, Step(0, math.sqrt(8), math.sqrt(3)), x, g).push, -0.5 * 6 * g)
    a_t, a_s = 1 / math.hypot(0.2, 0.8), 1 / math.hypot(0.4, 0.6)
    assert_close(estimate(half, Step(0, 0.8, 0.6, flow=True), x, g).push, -0.5 * g / (a_t * a_s))


def test_a_deterministic_method_has_no_sphere():
    with pytest.raises(ValueError, match="is deterministic, so there is no sphere"):
        replace(DPMPP_2M, constraint=Spherical())


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.9), st.booleans(), st.floats(0, 1), st.sampled_from(sorted(METHODS)))
def test_a_solvers_pull_is_how_its_mean_goes_with_the_estimate(sigma_t, share, flow, eta, name):
    x, denoised, before, shift = torch.randn(4, 2, 3, 4, 4, dtype=torch.float64)
    step = Step(1, sigma_t, share * sigma_t, eta, flow)
    for previous in (None, Previous(Step(0, sigma_t * 1.1, sigma_t, eta, flow), before)):
        unmoved = METHODS[name].solver(x, denoised, step, previous)
        moved = METHODS[name].solver(x, denoised + shift, step, previous)
        assert_close(unmoved.pull * shift, moved.mean - unmoved.mean, rtol=1e-9, atol=1e-9)


def test_guidance_of_the_noise_goes_through_the_solver_and_other_guidance_does_not():
    x, g = torch.randn(2, 2, 3, 4, 4)
    step = Step(0, 0.8, 0.6)
    on_noise, beside = estimate(UGD, step, x, g), estimate(DPS, step, x, g)
    assert (on_noise.push, beside.shift) == (0, 0)
    assert on_noise.shift.abs().min() > 0
    assert beside.push.abs().min() > 0


def test_in_pure_noise_a_flow_is_not_guided_through_its_noise():
    x, g = torch.randn(2, 2, 3, 4, 4)
    assert not estimate(UGD, Step(0, 1.0, 0.9, flow=True), x, g).shift.any()
