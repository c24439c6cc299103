"""How far guided samples are from the exact posterior, where it is known: a Gaussian prior, a linear measurement.

    python -m benchmarks.gaussian_prior

x_0 ~ N(μ, C) are pictures with smooth correlations, 192 elements; y = A·x_0 + noise measures 96 of them. The denoiser
is exact. Each method's one number is the best of a grid, for each number of steps. Results go to
`benchmarks/results/gaussian_prior.json`.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from sampling import (
    DPS,
    DSG,
    LGD_MC,
    MMPS,
    TFG,
    Automatic,
    Guidance,
    GuidanceMethod,
    GuidanceRate,
    LossTerm,
    SeededNoise,
    Spherical,
    sample,
)

SHAPE = (3, 8, 8)
MEASURED = 96
NOISE = 0.05
STEPS = [10, 20, 50, 100]
SAMPLES = 256
RATES = [0.05, 0.1, 0.2, 0.5, 1.0]
STRENGTHS = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0]
RESULTS = Path(__file__).parent / "results" / "gaussian_prior.json"


@dataclass(frozen=True)
class Problem:
    """Float64; vectors are flattened pictures."""

    mean: Tensor
    covariance: Tensor
    operator: Tensor
    measurement: Tensor

    def gain(self) -> Tensor:
        """C·Aᵀ·(A·C·Aᵀ + s²·I)⁻¹."""
        a, c = self.operator, self.covariance
        return torch.linalg.solve(a @ c @ a.T + NOISE**2 * torch.eye(len(a), dtype=a.dtype), a @ c).T

    def posterior_mean(self) -> Tensor:
        return self.mean + self.gain() @ (self.measurement - self.operator @ self.mean)

    def posterior_covariance(self) -> Tensor:
        return self.covariance - self.gain() @ self.operator @ self.covariance

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


def noise_levels(flow: bool, steps: int) -> Tensor:
    if flow:
        return torch.linspace(1, 0, steps + 1)
    return torch.cat([torch.linspace(10 ** (1 / 7), 0.02 ** (1 / 7), steps) ** 7, torch.zeros(1)])


def draw_samples(
    problem: Problem,
    flow: bool,
    method: GuidanceMethod | None,
    steps: int = 50,
    count: int = SAMPLES,
) -> Tensor:
    """`[count, 192]`, float64."""
    guidance = None
    if method:
        floor = NOISE * math.sqrt(MEASURED)
        term = LossTerm("measurement", problem.residuals, floor=floor, noise_level=NOISE, values=float(MEASURED))
        guidance = Guidance([term], lambda latent: latent, method)
    sigmas = noise_levels(flow, steps)
    x = sigmas[0] * torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(1))
    if not flow:
        x = x + problem.mean.view(SHAPE).float()
    x, _ = sample(problem.denoiser(flow), x, sigmas, SeededNoise(3), guidance, flow=flow)
    return x.flatten(1).double()


def grids() -> dict[str, list[tuple[float, GuidanceMethod]]]:
    """For each method, its numbers with the method that they make."""
    found = {
        "DSG": [(rate, replace(DSG, constraint=Spherical(GuidanceRate(rate)))) for rate in RATES],
        "DSG, automatic rate": [(rate, replace(DSG, constraint=Automatic(GuidanceRate(rate)))) for rate in RATES],
    }
    for method in (DPS, LGD_MC, TFG, MMPS):
        found[method.name] = [(strength, method.with_strength(strength)) for strength in STRENGTHS]
    return found


def errors(problem: Problem, samples: Tensor) -> dict[str, float]:
    """Of the samples' mean, in units of the prior's; of their total variance, as a multiple of the posterior's."""
    middle = problem.posterior_mean()
    mean_error = (samples.mean(0) - middle).norm() / (problem.mean - middle).norm()
    spread = samples.var(0).sum() / problem.posterior_covariance().trace()
    return {"mean": round(float(mean_error), 3), "variance": round(float(spread), 2)}


def measure(problem: Problem, flow: bool, steps: int) -> dict[str, dict]:
    """For each method, its best number by the error of the mean, and both errors with it."""
    rows = {}
    for name, grid in grids().items():
        tried = [
            {"strength": number} | errors(problem, draw_samples(problem, flow, method, steps))
            for number, method in grid
        ]
        rows[name] = min(tried, key=lambda row: row["mean"] if math.isfinite(row["mean"]) else math.inf)
    return rows


def table(rows: dict[str, dict[str, dict]]) -> str:
    """Markdown: methods down, steps across: the mean's error, in brackets the variance."""
    lines = ["| method | " + " | ".join(f"{steps} steps" for steps in rows) + " |", "|---" * (len(rows) + 1) + "|"]
    for name in next(iter(rows.values())):
        cells = [f"{found[name]['mean']:.3f} ({found[name]['variance']:.1f})" for found in rows.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    problem, results = draw_problem(seed=0), {}
    for family, flow in (("noise prediction", False), ("flow matching", True)):
        results[family] = {str(steps): measure(problem, flow, steps) for steps in STEPS}
        print(family, table(results[family]), sep="\n\n", end="\n\n")
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
