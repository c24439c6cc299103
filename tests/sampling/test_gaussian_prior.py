"""On a Gaussian prior, where denoiser and posterior are known exactly, guided samples move to the posterior mean.

x_0 ~ N(μ, C) are pictures with smooth correlations, 192 elements; y = A·x_0 + noise measures 96 of them.
Measured against unguided samples on the same noise, 50 steps:

                                         α = 1           flow matching
    factor by which falls                DSG     DPS     DSG     DPS
    distance of the samples' average     10.5    9.0     8.6     10.9     required: 5
    residual of each sample, at least    6.4     10.9    5.5     10.6     required: 4

The distance is that to the exact posterior mean, 7 at first: that of the prior's mean. ‖y − A·x_0‖ falls from 7 to 0.8
to 1.0 (DSG, rate 0.2) and 0.5 (DPS, ζ = 1); the measurement's noise alone makes 0.5. With three other measurements, the
distance fell by 5.9 to 8.7 (DSG) and 7.9 to 11.9 (DPS).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from sampling import DPS, DSG, Guidance, GuidanceMethod, GuidanceRate, LossTerm, SeededNoise, sample

SHAPE = (3, 8, 8)
MEASURED = 96
NOISE = 0.05
STEPS = 50
SAMPLES = 64


@dataclass(frozen=True)
class Problem:
    """Float64; vectors are flattened pictures."""

    mean: Tensor
    covariance: Tensor
    operator: Tensor
    measurement: Tensor

    def posterior_mean(self) -> Tensor:
        """μ + C·Aᵀ·(A·C·Aᵀ + s²·I)⁻¹·(y − A·μ)."""
        a, c = self.operator, self.covariance
        seen = a @ c @ a.T + NOISE**2 * torch.eye(len(a), dtype=a.dtype)
        return self.mean + c @ a.T @ torch.linalg.solve(seen, self.measurement - a @ self.mean)

    def denoiser(self, flow: bool) -> Callable[[Tensor, Tensor], Tensor]:
        """E[x_0 | x_t] = μ + α·C·(α²·C + σ²·I)⁻¹·(x_t − α·μ)."""
        variances, axes = (part.float() for part in torch.linalg.eigh(self.covariance))
        mean = self.mean.float()

        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            level = float(sigma[0])
            alpha = 1 - level if flow else 1.0
            gains = alpha * variances / (alpha**2 * variances + level**2)
            return (mean + (x.flatten(1) - alpha * mean) @ axes * gains @ axes.T).view_as(x)

        return denoise

    def residuals(self, images: Tensor) -> Tensor:
        return (images.flatten(1) @ self.operator.T.to(images.dtype) - self.measurement.to(images.dtype)).norm(dim=1)


def draw_problem(seed: int) -> Problem:
    channels, height, width = SHAPE
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.cartesian_prod(torch.arange(height), torch.arange(width)).double()
    smooth = 0.25 * torch.exp(-torch.cdist(pixels, pixels) / 2)
    covariance = torch.kron(torch.eye(channels, dtype=torch.float64), smooth)
    n = len(covariance)
    mean = torch.full((n,), 0.5, dtype=torch.float64)
    truth = mean + torch.linalg.cholesky(covariance) @ torch.randn(n, generator=generator, dtype=torch.float64)
    operator = torch.eye(n, dtype=torch.float64)[torch.randperm(n, generator=generator)[:MEASURED]]
    noise = NOISE * torch.randn(MEASURED, generator=generator, dtype=torch.float64)
    return Problem(mean, covariance, operator, operator @ truth + noise)


def noise_levels(flow: bool) -> Tensor:
    if flow:
        return torch.linspace(1, 0, STEPS + 1)
    return torch.cat([torch.linspace(10 ** (1 / 7), 0.02 ** (1 / 7), STEPS) ** 7, torch.zeros(1)])


def draw_samples(problem: Problem, flow: bool, method: GuidanceMethod | None) -> Tensor:
    """`[64, 192]`, float64."""
    guidance = None
    if method:
        terms = [LossTerm("measurement", problem.residuals)]
        guidance = Guidance(terms, lambda latent: latent, GuidanceRate.constant(0.2), lambda sigma: 0.5, method)
    sigmas = noise_levels(flow)
    x = sigmas[0] * torch.randn(SAMPLES, *SHAPE, generator=torch.Generator().manual_seed(1))
    if not flow:
        x = x + problem.mean.view(SHAPE).float()
    x, _ = sample(problem.denoiser(flow), x, sigmas, SeededNoise(3), guidance, flow=flow)
    return x.flatten(1).double()


@pytest.fixture(scope="module")
def problem() -> Problem:
    return draw_problem(seed=0)


@pytest.fixture(scope="module", params=[False, True], ids=["exploding", "flow"])
def unguided(problem, request) -> tuple[bool, Tensor]:
    return request.param, draw_samples(problem, request.param, None)


def test_unguided_samples_are_the_priors(problem, unguided):
    """Their average is the prior's mean but for the error of 64 samples, and not the posterior's."""
    _, samples = unguided
    error = (problem.covariance.trace() / SAMPLES).sqrt()
    assert (samples.mean(0) - problem.mean).norm() < 1.3 * error
    assert (samples.mean(0) - problem.posterior_mean()).norm() > 5 * error
    assert samples.var(0).sum() == pytest.approx(float(problem.covariance.trace()), rel=0.2)


@pytest.mark.parametrize("method", [DSG, replace(DPS, step_size=1.0)], ids=["DSG", "DPS"])
def test_guided_samples_move_to_the_exact_posterior_mean(problem, unguided, method):
    flow, free = unguided
    guided = draw_samples(problem, flow, method)

    def distance(samples: Tensor) -> float:
        return float((samples.mean(0) - problem.posterior_mean()).norm())

    assert distance(free) / distance(guided) > 5
    assert (problem.residuals(free) / problem.residuals(guided)).min() > 4  # of each sample
