import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from sampling import UGD, LossTerm, SeededNoise, sample
from sampling.step import Step, alpha
from sampling.time_travel import travel_back


@given(st.floats(0.01, 0.99), st.floats(0.0, 0.99), st.booleans())
def test_it_leads_to_the_noisier_level(sigma_t, share, flow):
    """Of x_s = α_s·x_0 + σ_s·ε the signal becomes α_t·x_0, and the variances add up to σ_t²."""
    sigma_s = share * sigma_t
    one, nothing = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    step = Step(0, sigma_t, sigma_s, flow=flow)
    signal = travel_back(alpha(sigma_s, flow) * one, step, nothing)
    kept = travel_back(sigma_s * one, step, nothing)
    fresh = travel_back(nothing, step, one)
    assert_close(signal, alpha(sigma_t, flow) * one)
    assert_close((kept**2 + fresh**2).sqrt(), sigma_t * one)


@pytest.mark.parametrize("flow", [False, True])
def test_each_repeat_of_a_step_draws_its_own_noise_at_the_right_level(guide, flow):
    """A denoiser that knows the picture, and a loss that moves nothing: each x_t is that picture plus fresh noise."""
    sigmas = torch.tensor([0.9, 0.5, 0.2, 0.0])
    visits = []
    sample(
        lambda x, sigma: 0.25 + 0 * x,
        alpha(0.9, flow) * 0.25 + 0.9 * torch.randn(1, 1, 100, 100),
        sigmas,
        SeededNoise(1),
        guide(LossTerm("nothing", lambda images: images.flatten(1).sum(1) * 0), method=UGD, top=1.0),
        flow=flow,
        callback=visits.append,
    )
    assert [visit["i"] for visit in visits] == [0] * 6 + [1] * 6 + [2] * 6
    for visit in visits[1:]:
        noise = (visit["x"] - alpha(visit["sigma"], flow) * 0.25) / visit["sigma"]
        assert abs(noise.mean()) < 0.05
        assert noise.std() == pytest.approx(1, abs=0.03)
    assert len({float(visit["x"].sum()) for visit in visits}) == len(visits)
