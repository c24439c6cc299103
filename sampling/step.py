"""A step of a run, and the Gaussian from which the unguided sampler draws its result.

Song et al., "Denoising Diffusion Implicit Models", ICLR 2021, arXiv 2010.02502, equations 12 and 16, written for noisy
latents `x_t = α_t·x_0 + σ_t·noise` with any α.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor

from .progress import Progress


@dataclass(frozen=True)
class Step:
    """A step from noise level t to the lower one s.

    The papers' latents are variance preserving, `x^VP = sqrt(ᾱ)·x_0 + sqrt(1 − ᾱ)·noise`. A latent of ours is x^VP / a
    with a = 1 / sqrt(α² + σ²). So a gradient with respect to x is a times the one with respect to x^VP, and a step of
    length ℓ in x^VP is one of ℓ / a in x. The estimate x̂_0 is the same in both.

    Attributes:
        index: its number in the run, from 0.
        sigma_t, sigma_s: noise levels, `sigma_t > sigma_s ≥ 0`.
        eta: in [0, 2], how much of the step's noise is fresh: 0 is DDIM's deterministic step, 1 is DDPM's posterior, 2
            renews all of it, whatever the model took for noise before.
        flow: α = 1 − σ (flow matching) rather than α = 1 (variance exploding).
        progress: of its run.
    """

    index: int
    sigma_t: float
    sigma_s: float
    eta: float = 1.0
    flow: bool = False
    progress: Progress | None = None

    @cached_property
    def alpha_t(self) -> float:
        """α_t, the signal's scale where the step begins."""
        return alpha(self.sigma_t, self.flow)

    @cached_property
    def alpha_s(self) -> float:
        """α_s, the signal's scale where the step ends."""
        return alpha(self.sigma_s, self.flow)

    @cached_property
    def vp_t(self) -> float:
        """a_t = 1 / sqrt(α_t² + σ_t²), which brings x_t into the papers' coordinates."""
        return vp_scale(self.sigma_t, self.flow)

    @cached_property
    def vp_s(self) -> float:
        """a_s = 1 / sqrt(α_s² + σ_s²), which brings x_s into the papers' coordinates."""
        return vp_scale(self.sigma_s, self.flow)

    @cached_property
    def posterior_std(self) -> float:
        """Standard deviation of the step's fresh noise: that of DDPM's posterior, times η or, above 1, on to σ_s."""
        ratio = self.alpha_t * self.sigma_s / (self.alpha_s * self.sigma_t)
        ddpm = self.sigma_s * math.sqrt(max(1 - ratio**2, 0))
        return self.eta * ddpm if self.eta <= 1 else ddpm + (self.eta - 1) * (self.sigma_s - ddpm)

    @cached_property
    def kept_std(self) -> float:
        """sqrt(σ_s² − posterior_std²): standard deviation of the noise that the step carries on."""
        return math.sqrt(max(self.sigma_s**2 - self.posterior_std**2, 0))

    @cached_property
    def percent(self) -> float:
        """The share of the run that is over where the step begins, in [0, 1]."""
        return self.progress.percent(self.sigma_t) if self.progress else 0.0

    def within(self, start_percent: float, end_percent: float) -> bool:
        """Whether it begins within a range of the run, both ends included."""
        return self.progress is None or self.progress.within(start_percent, end_percent, self.sigma_t)

    def event(self, x: Tensor, denoised: Tensor) -> dict:
        """What a sampler's callback is given, as in k-diffusion."""
        return {"i": self.index, "sigma": self.sigma_t, "sigma_hat": self.sigma_t, "x": x, "denoised": denoised}


def steps_of_run(
    sigmas: Sequence[float], eta: float = 1.0, flow: bool = False, progress: Progress | None = None
) -> list[Step]:
    """One step for each pair of neighbouring noise levels, `[steps + 1]`, falling."""
    return [Step(index, *levels, eta, flow, progress) for index, levels in enumerate(pairwise(sigmas))]


class Posterior(NamedTuple):
    """The Gaussian of x_s that a solver gives: x_s = mean + std·noise.

    mean: `[B, ...]`; std: 0 for a deterministic solver; pull: ∂mean/∂x̂_0, a factor: how far the mean goes with the
    estimate, and 0 where there is none.
    """

    mean: Tensor
    std: float
    pull: float = 0.0

    def sample(self, noise: Tensor) -> Tensor:
        """The unguided x_s, with N(0, I) noise of the mean's shape."""
        return self.mean + self.std * noise


class Previous(NamedTuple):
    """The step before, and its estimate x̂_0, for solvers of higher order."""

    step: Step
    denoised: Tensor


def posterior(x_t: Tensor, denoised: Tensor, step: Step, previous: Previous | None = None) -> Posterior:
    """The distribution of x_s given x_t and the estimate of x_0.

        mean = α_s·x̂_0 + sqrt(σ_s² − std²) · (x_t − α_t·x̂_0) / σ_t
        std  = η·σ_s·sqrt(1 − (α_t·σ_s / (α_s·σ_t))²)      for η up to 1; from there on linear, to σ_s at η = 2

    Args:
        x_t: the latent at noise level t, `[B, ...]`.
        denoised: the estimate x̂_0 = E[x_0 | x_t], of the same shape.
        step: from t to s.
        previous: the step before; this solver of first order does without it.
    """
    noise = (x_t - step.alpha_t * denoised) / step.sigma_t
    mean = step.alpha_s * denoised + step.kept_std * noise
    return Posterior(mean, step.posterior_std, step.alpha_s - step.kept_std * step.alpha_t / step.sigma_t)


def alpha(sigma: float, flow: bool) -> float:
    """α, the signal's scale at noise level σ: 1 − σ for flow matching, 1 for variance exploding models."""
    return 1 - sigma if flow else 1.0


def vp_scale(sigma: float, flow: bool) -> float:
    """a = 1 / sqrt(α² + σ²)."""
    return (alpha(sigma, flow) ** 2 + sigma**2) ** -0.5


def alpha_bar(sigma: float, flow: bool) -> float:
    """ᾱ = (a·α)²: the share of the picture in the variance preserving latent, in [0, 1]."""
    return (vp_scale(sigma, flow) * alpha(sigma, flow)) ** 2
