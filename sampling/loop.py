"""The sampler's loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .gradient import exact_gradient
from .loss_term import LossTerm
from .methods import DSG, GuidanceMethod, gradient_step
from .posterior import posterior, posterior_std
from .rate import GuidanceRate
from .report import RunReport, StepRecord
from .spherical import norm_per_sample, spherical_step, usable

Denoiser = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Guidance:
    """What the picture must satisfy, and how the sampler is steered there.

    Attributes:
        losses: the terms of the loss.
        decode: latents `[B, ...]` → images in about [0, 1], `[B, 3, H, W]`, differentiable.
        rate: the guidance rate over the run.
        method: one of `METHODS`, or your own.
        balanced: whether several losses count by their weights alone, whatever the sizes of their gradients.
        percent: noise level → how far the run is, in [0, 1].
    """

    losses: Sequence[LossTerm]
    decode: Callable[[Tensor], Tensor]
    rate: GuidanceRate
    percent: Callable[[float], float]
    method: GuidanceMethod = DSG
    balanced: bool = True

    def active_losses(self, index: int, sigma: float) -> list[LossTerm]:
        """The losses that count in step number `index` at noise level sigma; none where the step is not guided."""
        percent = self.percent(sigma)
        if not self.rate.guides(index, percent):
            return []
        return [term for term in self.losses if term.counts(percent)]


def sample(
    denoiser: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    noise: Callable[[Tensor, float], Tensor],
    guidance: Guidance | None = None,
    *,
    eta: float = 1.0,
    flow: bool = False,
    region: Tensor | None = None,
    guided_denoiser: Denoiser | None = None,
    callback: Callable[[dict], None] | None = None,
) -> tuple[Tensor, RunReport]:
    """Sample from noise level `sigmas[0]` down to `sigmas[-1]`.

    Args:
        denoiser: `(x, sigma [B]) → denoised`.
        x: the latent at noise level `sigmas[0]`, `[B, C, H, W]` or more dimensions.
        sigmas: descending, `[steps + 1]`.
        noise: `(like, sigma) → N(0, I)`, for instance `SeededNoise`.
        guidance: None samples as the model does.
        eta: in [0, 1], how much of each step's noise is fresh. The constraint needs it above 0.
        flow: α = 1 − σ (flow matching) rather than α = 1.
        region: bool, broadcastable to x: the part of the latent that is free to move.
        guided_denoiser: used instead of `denoiser` where a gradient is needed.
        callback: called once a step with `i`, `sigma`, `x` and `denoised`.

    Returns:
        The latent at noise level `sigmas[-1]`, and the report.
    """
    report = RunReport(guidance.method.name if guidance else "unguided")
    for index, (sigma_t, sigma_s) in enumerate(pairwise(sigmas.tolist())):
        losses = guidance.active_losses(index, sigma_t) if guidance else []
        if guidance and guidance.method.spherical and posterior_std(sigma_t, sigma_s, eta, flow) == 0:
            losses = []  # the last step: no noise, so no sphere to choose a point on

        if guidance and losses:
            denoised, gradient, values = exact_gradient(
                guided_denoiser or denoiser, x, sigma_t, losses, guidance.decode, guidance.balanced
            )
            gradient = gradient if region is None else torch.where(region, gradient, 0)
        else:
            with torch.no_grad():
                denoised = denoiser(x, x.new_full([len(x)], sigma_t))
        if callback is not None:
            callback({"i": index, "sigma": sigma_t, "sigma_hat": sigma_t, "x": x, "denoised": denoised})

        mean, std = posterior(x, denoised, sigma_t, sigma_s, eta, flow)
        fresh = noise(x, sigma_t) if std > 0 else torch.zeros_like(x)
        record = StepRecord(sigma_t)
        if not guidance or not losses:
            x = mean + std * fresh
        elif guidance.method.spherical:
            record.guidance_rate = guidance.rate.at(guidance.percent(sigma_t))
            x = spherical_step(mean, std, fresh, gradient, record.guidance_rate, region)
        else:
            size = guidance.method.step_size
            x = gradient_step(mean + std * fresh, gradient, size, sigma_t, sigma_s, flow)
        if losses:
            record.losses = {name: loss.value.tolist() for name, loss in values.items()}
            record.costs = {name: loss.cost for name, loss in values.items()}
            record.gradient_norm = norm_per_sample(gradient).flatten().tolist()
            record.skipped = int((~usable(gradient)).sum())
        report.steps.append(record)
    return x, report
