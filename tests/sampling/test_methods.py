"""The presets, and the step of the methods without the constraint."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from sampling import DPS, DSG, METHODS
from sampling.methods import gradient_step


def test_the_presets_are_found_by_their_names():
    assert METHODS == {"DSG": DSG, "DPS": DPS}
    assert DSG.spherical
    assert not DPS.spherical
    assert DPS.step_size > 0


def test_the_step_is_that_of_the_variance_preserving_coordinates():
    """a = 1 / sqrt(α² + σ²): at α = 1, σ_t = sqrt(3), σ_s = sqrt(8) a step of ζ·g is one of ζ·g·2·3 here."""
    x, g = torch.randn(2, 2, 3, 4, 4)
    assert_close(gradient_step(x, g, 0.5, math.sqrt(8), math.sqrt(3), flow=False), x - 0.5 * 6 * g)
    a_t, a_s = 1 / math.hypot(0.2, 0.8), 1 / math.hypot(0.4, 0.6)
    assert_close(gradient_step(x, g, 0.5, 0.8, 0.6, flow=True), x - 0.5 * g / (a_t * a_s))


@given(st.integers(2, 4), st.lists(st.integers(1, 4), min_size=3, max_size=5), st.booleans())
def test_a_batch_equals_runs_of_one_bit_for_bit(batch, sample, flow):
    x, g = torch.randn(2, batch, *sample)
    together = gradient_step(x, g, 3.0, 0.9, 0.8, flow)
    alone = [gradient_step(a, b, 3.0, 0.9, 0.8, flow) for a, b in zip(x.split(1), g.split(1))]
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_sample_without_a_usable_gradient_stays_where_it_is_alone(value):
    x, g = torch.randn(2, 3, 3, 4, 4)
    expected = gradient_step(x, g, 3.0, 2.0, 1.0, flow=False)
    expected[1] = x[1]
    g[1] = value
    assert torch.equal(gradient_step(x, g, 3.0, 2.0, 1.0, flow=False), expected)
