import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampling import CURVES, GuidanceRate, GuidedSteps

unit = st.floats(0, 1)
curves = st.sampled_from(sorted(CURVES))


def test_the_curves_are_those_of_the_node():
    assert list(CURVES) == ["linear", "cosine", "ease in", "ease out"]


@given(unit, unit, curves, st.floats(0, 0.5), st.floats(0.51, 1))
def test_a_curve_goes_from_start_to_end_over_the_guided_range(start, end, curve, start_percent, end_percent):
    rate, when = GuidanceRate(start, end, curve), GuidedSteps(start_percent=start_percent, end_percent=end_percent)
    assert rate.at(when.progress(start_percent)) == pytest.approx(start)
    assert rate.at(when.progress(end_percent)) == pytest.approx(end)
    assert when.progress(0) == 0
    assert when.progress(1) == 1


@given(unit, unit, curves, unit, unit)
def test_a_curve_is_monotone_and_stays_between_its_ends(start, end, curve, one, other):
    rate = GuidanceRate(start, end, curve)
    first, second = rate.at(min(one, other)), rate.at(max(one, other))
    rise = (second - first) * (1 if end >= start else -1)
    assert rise >= -1e-12
    assert min(start, end) - 1e-12 <= first <= max(start, end) + 1e-12


def test_the_curves_differ_in_the_middle():
    at_a_quarter = {curve: GuidanceRate(0.0, 1.0, curve).at(0.25) for curve in CURVES}
    assert at_a_quarter == pytest.approx({"linear": 0.25, "cosine": 0.14644661, "ease in": 0.0625, "ease out": 0.4375})


@given(unit, curves, unit)
def test_a_rate_without_an_end_stays(rate, curve, progress):
    assert GuidanceRate(rate, curve=curve).at(progress) == rate


@given(st.integers(1, 20), st.integers(0, 100))
def test_the_first_step_and_every_kth_after_it_are_guided(interval, index):
    when = GuidedSteps(interval)
    assert when.guides(0)
    assert when.guides(index) == (index in range(0, 101, interval))


def test_a_range_of_no_length_has_the_starts_rate():
    assert GuidedSteps(start_percent=0.5, end_percent=0.5).progress(0.5) == 0
