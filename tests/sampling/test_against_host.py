"""Without guidance the sampler is the host's own ancestral sampler, on the same noise."""

import math
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from sampling import DPMPP_2M, Progress, SeededNoise, sample
from sampling.guidance import no_guidance
from sampling.step import Step, alpha

NOISE = SeededNoise(3)
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture(scope="module")
def comfy():
    """The host's modules."""
    from tools.comfyui import import_host

    import_host()
    import comfy.k_diffusion.sampling
    import comfy.model_base
    import comfy.samplers

    return comfy


def model_sampling(comfy, flow: bool) -> torch.nn.Module:
    kind = comfy.model_base.ModelType.FLOW if flow else comfy.model_base.ModelType.EPS
    return comfy.model_base.model_sampling(SimpleNamespace(sampling_settings={}), kind)


class Guider:
    """What the host's samplers need of its guider: `inner_model.model_sampling`, and the call."""

    def __init__(self, denoiser, sampling: torch.nn.Module):
        self.denoiser = denoiser
        self.inner_model = SimpleNamespace(model_sampling=sampling)

    def __call__(self, x: Tensor, sigma: Tensor, model_options=None, seed=None) -> Tensor:
        return self.denoiser(x, sigma)


def host_run(comfy, denoiser, x: Tensor, sigmas: Tensor, eta: float, flow: bool) -> Tensor:
    model = comfy.samplers.KSamplerX0Inpaint(Guider(denoiser, model_sampling(comfy, flow)), sigmas)

    def noise_sampler(sigma_t: Tensor, sigma_s: Tensor) -> Tensor:
        return NOISE(x, float(sigma_t))

    return comfy.k_diffusion.sampling.sample_euler_ancestral(
        model, x, sigmas, {"denoise_mask": None}, disable=True, eta=eta, noise_sampler=noise_sampler
    )


def host_sigmas(comfy, flow: bool, steps: int = 20) -> Tensor:
    """The host's `normal` schedule, which ends at 0; for flow matching it begins at 1."""
    return comfy.samplers.normal_scheduler(model_sampling(comfy, flow), steps).double()


def start(sigmas: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return sigmas[0] * torch.randn(2, 4, 5, 5, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("flow", [False, True])
def test_a_noisy_latent_is_what_the_host_makes(comfy, flow):
    x_0, noise = torch.randn(2, 2, 4, 5, 5, dtype=torch.float64)
    sigma = 0.7
    made = model_sampling(comfy, flow).noise_scaling(torch.tensor([sigma]), noise.clone(), x_0)
    assert_close(made, alpha(sigma, flow) * x_0 + sigma * noise, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("eta", [0.0, 0.3, 0.7, 1.0])
def test_it_is_the_hosts_euler_ancestral(comfy, denoiser, eta):
    sigmas = host_sigmas(comfy, flow=False)
    x = start(sigmas)
    ours, _ = sample(denoiser, x, sigmas, NOISE, eta=eta)
    assert_close(ours, host_run(comfy, denoiser, x, sigmas, eta, flow=False), **CLOSE)


def test_at_eta_0_it_is_the_hosts_rectified_flow_sampler(comfy, denoiser):
    sigmas = host_sigmas(comfy, flow=True)
    x = start(sigmas)
    ours, _ = sample(denoiser, x, sigmas, NOISE, eta=0.0, flow=True)
    assert_close(ours, host_run(comfy, denoiser, x, sigmas, 0.0, flow=True), **CLOSE)


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 5, 20])
def test_the_second_order_solver_is_the_hosts_dpmpp_2m(comfy, denoiser, flow, steps):
    sigmas = host_sigmas(comfy, flow, steps)
    x = start(sigmas)
    model = comfy.samplers.KSamplerX0Inpaint(Guider(denoiser, model_sampling(comfy, flow)), sigmas)
    theirs = comfy.k_diffusion.sampling.sample_dpmpp_2m(model, x, sigmas, {"denoise_mask": None}, disable=True)
    ours, _ = sample(denoiser, x, sigmas, NOISE, no_guidance(DPMPP_2M), flow=flow)
    assert_close(ours, theirs, **CLOSE)


def renoise_coeff(sigma_t: float, sigma_s: float, eta: float) -> float:
    """How much fresh noise the host's rectified-flow step adds."""
    sigma_down = sigma_s * (1 + (sigma_s / sigma_t - 1) * eta)
    return math.sqrt(max(sigma_s**2 - (sigma_down * (1 - sigma_s) / (1 - sigma_down)) ** 2, 0))


def host_eta(sigma_t: float, sigma_s: float, std: float) -> float:
    """The host's eta at which its step adds this much noise. At `high` it steps down to 0 and adds σ_s of noise."""
    low, high = 0.0, 1 / (1 - sigma_s / sigma_t)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if renoise_coeff(sigma_t, sigma_s, middle) < std else (low, middle)
    return high


@pytest.mark.parametrize("eta", [0.3, 0.7, 1.0])
def test_each_rectified_flow_step_is_the_hosts_at_some_eta_of_its_own(comfy, denoiser, eta):
    """η means another thing there: the share of the noise level that is stepped below σ_s. Same noise, same step."""
    sigmas = host_sigmas(comfy, flow=True)
    x = start(sigmas)
    for sigma_t, sigma_s in pairwise(sigmas.tolist()):
        step = torch.tensor([sigma_t, sigma_s], dtype=torch.float64)
        its_eta = host_eta(sigma_t, sigma_s, Step(0, sigma_t, sigma_s, eta, flow=True).posterior_std)
        theirs = host_run(comfy, denoiser, x, step, its_eta, flow=True)
        x, _ = sample(denoiser, x, step, NOISE, eta=eta, flow=True)
        assert_close(x, theirs, rtol=1e-6, atol=1e-6)  # the host's renoise_coeff loses half the digits near σ_s


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("steps", [1, 3, 20, 37])
def test_ranges_hold_as_for_the_hosts_controlnets(comfy, flow, steps):
    """Whether a step is in a range, for each of the host's schedules and every share of the run in hundredths."""
    import comfy.controlnet

    schedule = model_sampling(comfy, flow)
    progress = Progress(lambda share: float(schedule.percent_to_sigma(share)))
    control = comfy.controlnet.ControlBase()
    for name in comfy.samplers.SCHEDULER_NAMES:
        sigmas = comfy.samplers.calculate_sigmas(schedule, name, steps)[:-1]
        sigmas = sigmas[~sigmas.isnan()]  # of one step, by one schedule
        for share in range(0, 101, 1 if steps == 20 else 5):
            for limits in ((share / 100, 1.0), (0.0, share / 100)):
                control.set_cond_hint(None, timestep_percent_range=limits)
                control.pre_run(None, schedule.percent_to_sigma)
                first, last = control.timestep_range
                for sigma in sigmas:
                    theirs = not (sigma > first or sigma < last)
                    assert progress.within(*limits, float(sigma)) == theirs, (name, limits, float(sigma))
