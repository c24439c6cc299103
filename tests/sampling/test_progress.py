"""Ranges of a run hold for the steps that begin within them, both ends included, as in the host."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sampling import Progress

LINEAR = Progress(lambda percent: 10 * (1 - percent))
shares = st.floats(0, 1)


@pytest.mark.parametrize(
    ("share", "within"), [(0.0, False), (0.29, False), (0.3, True), (0.5, True), (0.7, True), (0.71, False)]
)
def test_both_ends_of_a_range_belong_to_it(share, within):
    assert LINEAR.within(0.3, 0.7, LINEAR.level(share)) == within


@given(shares, st.floats(1.001, 50))
def test_a_step_that_begins_with_a_range_is_in_it_however_its_level_was_rounded(share, top):
    progress = Progress(lambda percent: top * (1 - percent) ** 2)
    sigma = float(torch.tensor(progress.level(share), dtype=torch.float32))
    assert progress.within(share, 1, sigma)
    assert progress.within(0, share, sigma)


@given(shares)
def test_the_share_of_a_level_is_found_again(share):
    assert LINEAR.percent(LINEAR.level(share)) == pytest.approx(share, abs=1e-6)
