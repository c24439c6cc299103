"""The trajectory is that of the paper, which is written in variance preserving coordinates."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from sampling import DPS, DSG, Guidance, GuidanceMethod, GuidanceRate, LossTerm, SeededNoise, Spherical, sample
from tests.sampling.toy import START, ddpm_alpha_bars, loss, network

STEPS = 50
RATE = 0.2
STEP_SIZE = 0.3
NOISE = SeededNoise(5)


def paper_trajectory(spherical: bool, noises: list[Tensor]) -> list[Tensor]:
    """DSG's algorithm with DDPM's posterior (or DPS's algorithm 1), in the papers' symbols; each x_t of the run."""
    n = START[0].numel()
    x, trajectory = START, [START]
    alpha_bars = ddpm_alpha_bars(STEPS)
    for t, (alpha_bar, alpha_bar_next) in enumerate(pairwise(alpha_bars)):
        x_t = x.clone().requires_grad_()
        x_0 = network(x_t, alpha_bar)
        (g,) = torch.autograd.grad(loss(x_0).sum(), x_t)
        beta = 1 - alpha_bar / alpha_bar_next
        sigma = math.sqrt(beta * (1 - alpha_bar_next) / (1 - alpha_bar))
        from_x_0 = math.sqrt(alpha_bar_next) * beta / (1 - alpha_bar)
        from_x_t = math.sqrt(1 - beta) * (1 - alpha_bar_next) / (1 - alpha_bar)
        mu = (from_x_0 * x_0 + from_x_t * x_t).detach()
        if not spherical:
            x = mu + sigma * noises[t] - STEP_SIZE * g
        elif sigma == 0:
            x = mu
        else:
            r = math.sqrt(n) * sigma
            d_star = -r * g / g.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            d_sample = sigma * noises[t]
            d_mix = d_sample + RATE * (d_star - d_sample)
            x = mu + r * d_mix / d_mix.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        trajectory.append(x)
    return trajectory


def host_sigma(alpha_bar: float, flow: bool) -> float:
    """The noise level at which α/σ is that of alpha_bar."""
    ratio = math.sqrt((1 - alpha_bar) / alpha_bar)
    return ratio / (1 + ratio) if flow else ratio


def vp_scale(sigma: float, flow: bool) -> float:
    """x of the host is this times x of the papers."""
    return math.hypot(1 - sigma if flow else 1, sigma)


def our_trajectory(method: GuidanceMethod, flow: bool, dtype: torch.dtype) -> list[Tensor]:
    sigmas = torch.tensor([host_sigma(value, flow) for value in ddpm_alpha_bars(STEPS)], dtype=torch.float64)

    def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
        level = float(sigma[0])
        scale = vp_scale(level, flow)
        return network(x / scale, 1 - (level / scale) ** 2)

    trajectory = []
    x, report = sample(
        denoiser,
        (START * vp_scale(float(sigmas[0]), flow)).to(dtype),
        sigmas,
        NOISE,
        Guidance([LossTerm("loss", loss)], lambda z: z, method),
        flow=flow,
        callback=lambda event: trajectory.append(event["x"] / vp_scale(event["sigma"], flow)),
    )
    assert report.guided_steps == (STEPS - 1 if method.constraint.needs_noise else STEPS)
    return [*trajectory, x]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize(
    "method", [replace(DSG, constraint=Spherical(GuidanceRate(RATE))), replace(DPS, rho=STEP_SIZE)]
)
def test_the_trajectory_is_the_papers_in_our_coordinates(method, flow, dtype, tolerance):
    """Measured: below 1e-13 in float64, and 9e-7 in float32."""
    noises = [NOISE(START.to(dtype), host_sigma(value, flow)).double() for value in ddpm_alpha_bars(STEPS)[:-1]]
    theirs = paper_trajectory(method.constraint.needs_noise, noises)
    ours = our_trajectory(method, flow, dtype)
    assert len(ours) == len(theirs) == STEPS + 1
    for our_x, their_x in zip(ours, theirs):
        assert_close(our_x.double(), their_x, rtol=0, atol=tolerance)
