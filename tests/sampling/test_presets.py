"""Each preset is its paper's algorithm, written here from the paper in its own (variance preserving) symbols."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from sampling import METHODS, Guidance, GuidanceMethod, LossTerm, Progress, SeededNoise, sample
from tests.sampling.toy import MEASURED, START, ddpm_alpha_bars, loss, network

STEPS = 8
RATE = 0.2
NOISE = SeededNoise(5)
NOISE_LEVEL = 0.3
VALUES = 54.0  # that the measurement has of a picture


def gradient(value: Tensor, of: Tensor) -> Tensor:
    return torch.autograd.grad(value.sum(), of)[0]


class Step(NamedTuple):
    """One repeat of a step: the papers' ᾱ_t, ᾱ_{t−1} and σ_t of DDPM's posterior, and the noises drawn in it."""

    x_t: Tensor
    alpha_bar: float
    alpha_bar_next: float
    std: float
    fresh: Tensor
    smoothing: list[Tensor]
    rising: float  # TFG's s(t) / its mean, for α_t = ᾱ_t / ᾱ_{t−1}
    flow: bool
    before: tuple[Tensor, float] | None  # x_t and ᾱ_t of the step before

    @property
    def alpha(self) -> float:
        return self.alpha_bar / self.alpha_bar_next

    def noise_of(self, x_0: Tensor) -> Tensor:
        """ε of x_t = sqrt(ᾱ_t)·x_0 + sqrt(1 − ᾱ_t)·ε."""
        return (self.x_t - math.sqrt(self.alpha_bar) * x_0) / math.sqrt(1 - self.alpha_bar)

    def ddim(self, x_0: Tensor, noise: Tensor) -> Tensor:
        """DDIM's equation 12."""
        direction = math.sqrt(max(1 - self.alpha_bar_next - self.std**2, 0)) * noise
        return math.sqrt(self.alpha_bar_next) * x_0 + direction + self.std * self.fresh

    def unguided(self, x_0: Tensor) -> Tensor:
        return self.ddim(x_0, self.noise_of(x_0))


def dps(step: Step) -> Tensor:
    x_t = step.x_t.requires_grad_()
    x_0 = network(x_t, step.alpha_bar)
    return step.unguided(x_0) - 2.0 * gradient(loss(x_0), x_t)


def dsg(step: Step) -> Tensor:
    x_t = step.x_t.requires_grad_()
    x_0 = network(x_t, step.alpha_bar)
    if step.std == 0:
        return step.unguided(x_0)
    g = gradient(loss(x_0), x_t)
    mean = step.unguided(x_0) - step.std * step.fresh
    r = math.sqrt(x_t[0].numel()) * step.std
    d_star = -r * g / g.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    d_mix = step.std * step.fresh + RATE * (d_star - step.std * step.fresh)
    return mean + r * d_mix / d_mix.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def freedom(step: Step) -> Tensor:
    x_t = step.x_t.requires_grad_()
    x_0 = network(x_t, step.alpha_bar)
    return step.unguided(x_0) - 0.2 * math.sqrt(step.alpha_bar) * gradient(loss(x_0), x_t)


def ugd(step: Step, backward_steps: int = 0, size: float = 0.0) -> Tensor:
    x_t = step.x_t.requires_grad_()
    z_0 = network(x_t, step.alpha_bar)
    noise = step.noise_of(z_0) + 6.0 * math.sqrt(1 - step.alpha_bar) * gradient(loss(z_0), x_t)
    moved = torch.zeros_like(z_0)
    for _ in range(backward_steps):
        moved = moved.detach().requires_grad_()
        moved = moved - size * gradient(loss(z_0.detach() + moved), moved)
    noise = noise - math.sqrt(step.alpha_bar / (1 - step.alpha_bar)) * moved
    return step.ddim((x_t - math.sqrt(1 - step.alpha_bar) * noise) / math.sqrt(step.alpha_bar), noise)


def lgd_mc(step: Step) -> Tensor:
    x_t = step.x_t.requires_grad_()
    x_0 = network(x_t, step.alpha_bar)
    draws = [loss(x_0 + math.sqrt(1 - step.alpha_bar) * noise) for noise in step.smoothing]
    smoothed = -torch.stack([(-value).exp() for value in draws]).mean(0).log()
    return step.unguided(x_0) - 2.0 * gradient(smoothed, x_t)


def mpgd(step: Step) -> Tensor:
    x_0 = network(step.x_t, step.alpha_bar).requires_grad_()
    noise = step.noise_of(x_0)
    return step.ddim(x_0 - 35.0 / math.sqrt(step.alpha_bar) * gradient(loss(x_0), x_0), noise)


def tfg(step: Step) -> Tensor:
    x_t = step.x_t.requires_grad_()
    x_0 = network(x_t, step.alpha_bar)
    shift = 0.01 * math.sqrt(1 - step.alpha_bar) * step.smoothing[0]
    delta_t = -8.0 * step.rising * gradient(loss(x_0 + shift), x_t)
    moved = x_0.detach()
    for _ in range(4):
        moved = moved.requires_grad_()
        moved = (moved - 4.0 * step.rising * gradient(loss(moved + shift), moved)).detach()
    return step.unguided(x_0) + delta_t / math.sqrt(step.alpha) + math.sqrt(step.alpha_bar_next) * (moved - x_0)


def mmps(step: Step) -> Tensor:
    """A takes every second column; (σ_y² + A·V·Aᵀ)⁻¹·(y − A·x̂_0) by one iteration of conjugate gradients.

    This toy's Jacobian is no covariance: where it turns a vector by more than arccos(0.05), its variance is cut there.
    """
    x_t = step.x_t.requires_grad_()
    x_0 = network(x_t, step.alpha_bar)
    r = (MEASURED - x_0)[..., ::2].detach()

    def covariance_times(v: Tensor) -> Tensor:
        """V·Aᵀ·v = (1 − ᾱ) / sqrt(ᾱ)·Jᵀ·Aᵀ·v."""
        (product,) = torch.autograd.grad(x_0[..., ::2], x_t, v, retain_graph=True)
        return (1 - step.alpha_bar) / math.sqrt(step.alpha_bar) * product

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(dim=(1, 2, 3), keepdim=True)

    covariance_r = covariance_times(r)
    least = 0.05 * (dot(r, r) * dot(covariance_r, covariance_r)).sqrt()
    z = dot(r, r) / (NOISE_LEVEL**2 * dot(r, r) + dot(r, covariance_r[..., ::2]).maximum(least)) * r
    return step.unguided(x_0 + covariance_times(z))


def dpmpp_2m(step: Step) -> Tensor:
    """Algorithm 2 with λ = −log σ in the host's coordinates, and the gradient of DPS added."""
    x_t = step.x_t.requires_grad_()
    x_0 = network(x_t, step.alpha_bar)
    moved = -2.0 * gradient(loss(x_0), x_t)
    alpha_t, alpha_s = math.sqrt(step.alpha_bar), math.sqrt(step.alpha_bar_next)
    ratio = math.sqrt((1 - step.alpha_bar_next) / (1 - step.alpha_bar))
    estimate = x_0
    if step.before is not None and step.alpha_bar_next < 1:
        before, bar_before = step.before
        lambda_before, lambda_t, lambda_s = (
            -math.log(host_sigma(bar, step.flow)) for bar in (bar_before, step.alpha_bar, step.alpha_bar_next)
        )
        r = (lambda_t - lambda_before) / (lambda_s - lambda_t)
        estimate = (1 + 1 / (2 * r)) * x_0 - 1 / (2 * r) * network(before, bar_before)
    return ratio * x_t + (alpha_s - alpha_t * ratio) * estimate + moved


def diffpir(step: Step) -> Tensor:
    """Algorithm 1 with λ = 1 and ζ = 1; the measurement is every second column, so the proximal step is a mean."""
    x_0 = network(step.x_t, step.alpha_bar)
    rho = NOISE_LEVEL**2 * step.alpha_bar / (1 - step.alpha_bar)
    there = torch.zeros_like(x_0, dtype=torch.bool)
    there[..., ::2] = True
    x_0 = torch.where(there, (MEASURED + rho * x_0) / (1 + rho), x_0)
    return math.sqrt(step.alpha_bar_next) * x_0 + math.sqrt(1 - step.alpha_bar_next) * step.fresh


PAPERS: dict[str, Callable[[Step], Tensor]] = {
    "DPS": dps,
    "DSG": dsg,
    "FreeDoM": freedom,
    "UGD": ugd,
    "LGD-MC": lgd_mc,
    "MPGD": mpgd,
    "TFG": tfg,
    "MMPS": mmps,
    "DiffPIR": diffpir,
    "DPM-Solver++(2M)": dpmpp_2m,
}


def repeats(method: str, t: int) -> int:
    """How often step t (0 is the first of the run) is taken."""
    return {"FreeDoM": 3 if 0.3 <= t / STEPS <= 0.6 else 1, "UGD": 6}.get(method, 1)


def noise_of(flow: bool, alpha_bar: float) -> Callable[..., Tensor]:
    return lambda *name: NOISE(START, host_sigma(alpha_bar, flow), *name)


def paper_trajectory(paper: Callable[[Step], Tensor], method: str, flow: bool) -> Iterator[Tensor]:
    """Each x_t of the run, and the result. `flow` only chooses the noises' seeds."""
    x, bars = START, ddpm_alpha_bars(STEPS)
    alphas = [alpha_bar / after for alpha_bar, after in pairwise(bars)]
    before = None
    for t, (alpha_bar, alpha_bar_next) in enumerate(pairwise(bars)):
        draw = noise_of(flow, alpha_bar)
        std = math.sqrt((1 - alpha_bar / alpha_bar_next) * (1 - alpha_bar_next) / (1 - alpha_bar))
        rising = alphas[t] / (sum(alphas) / len(alphas))
        for repeat in range(repeats(method, t)):
            yield x
            fresh = draw() if repeat == 0 else draw(f" {repeat}")
            smoothing = [draw(f"smoothing {k} {repeat}") for k in range(10)]
            x_t = x.detach().clone()
            step = Step(x_t, alpha_bar, alpha_bar_next, std, fresh, smoothing, rising, flow, before)
            x_next = paper(step).detach()
            ratio = alpha_bar / alpha_bar_next
            x = math.sqrt(ratio) * x_next + math.sqrt(1 - ratio) * draw(f"time travel {repeat}")
        x, before = x_next, (x_t.detach(), alpha_bar)
    yield x


def host_sigma(alpha_bar: float, flow: bool) -> float:
    """The noise level at which α/σ is that of alpha_bar."""
    ratio = math.sqrt((1 - alpha_bar) / alpha_bar)
    return ratio / (1 + ratio) if flow else ratio


def host_scale(sigma: float, flow: bool) -> float:
    """x of the host is this times x of the papers."""
    return math.hypot(1 - sigma if flow else 1, sigma)


def our_trajectory(method: GuidanceMethod, flow: bool) -> list[Tensor]:
    levels = [host_sigma(value, flow) for value in ddpm_alpha_bars(STEPS)]

    def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
        scale = host_scale(float(sigma[0]), flow)
        return network(x / scale, 1 - (float(sigma[0]) / scale) ** 2)

    progress = Progress(lambda percent: float(np.interp(percent * STEPS, range(STEPS + 1), levels)))
    trajectory = []
    x, _ = sample(
        denoiser,
        START * host_scale(levels[0], flow),
        torch.tensor(levels, dtype=torch.float64),
        NOISE,
        Guidance(
            [LossTerm("loss", loss, noise_level=NOISE_LEVEL, values=VALUES)], lambda z: z, method, progress=progress
        ),
        flow=flow,
        callback=lambda event: trajectory.append(event["x"] / host_scale(event["sigma"], flow)),
    )
    return [*trajectory, x]


def same_trajectory(paper: Callable[[Step], Tensor], method: GuidanceMethod, flow: bool) -> None:
    theirs, ours = list(paper_trajectory(paper, method.name, flow)), our_trajectory(method, flow)
    assert len(ours) == len(theirs) >= STEPS + 1
    for our_x, their_x in zip(ours, theirs):
        assert_close(our_x, their_x, rtol=1e-8, atol=1e-8)


def test_these_are_all():
    assert sorted(METHODS) == sorted([*PAPERS, "posterior mean"])  # which is ours, and tested in a file of its own
    assert [name for name, method in METHODS.items() if method.constraint.needs_noise] == ["DSG"]


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("name", PAPERS)
def test_a_preset_is_its_papers_algorithm(name, flow):
    same_trajectory(PAPERS[name], METHODS[name], flow)


@pytest.mark.parametrize("flow", [False, True])
def test_backward_guidance_is_that_of_ugd(flow):
    method = replace(METHODS["UGD"], mu=0.3, iterations=3)
    same_trajectory(lambda step: ugd(step, backward_steps=3, size=0.3), method, flow)
