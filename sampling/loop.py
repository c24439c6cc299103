"""The sampler's loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from .automatic_rate import automatic_step
from .estimate import EstimateGradient
from .gradient_modes import Differentiator
from .guidance import Guidance
from .guided_step import GuidedEstimate, StepNumbers, displacement, guided_estimate
from .jacobian import Denoiser, Denoisers, levels
from .loss_term import LossTerm
from .methods import GuidanceMethod
from .posterior import posterior, posterior_std
from .report import RunReport, StepRecord
from .spherical import norm_per_sample, spherical_step, usable
from .time_travel import travel_back


def sample(
    denoiser: Denoiser | Denoisers,
    x: Tensor,
    sigmas: Tensor,
    noise: Callable[..., Tensor],
    guidance: Guidance | None = None,
    *,
    eta: float = 1.0,
    flow: bool = False,
    region: Tensor | None = None,
    callback: Callable[[dict], None] | None = None,
) -> tuple[Tensor, RunReport]:
    """Sample from noise level `sigmas[0]` down to `sigmas[-1]`.

    Args:
        denoiser: `(x, sigma [B]) → denoised`.
        x: the latent at noise level `sigmas[0]`, `[B, C, H, W]` or more dimensions.
        sigmas: descending, `[steps + 1]`.
        noise: `(like, sigma) → N(0, I)`, for instance `SeededNoise`. Methods that need more draws in a step call it
            with a third argument, a name, and want another draw for each.
        guidance: None samples as the model does.
        eta: in [0, 1], how much of each step's noise is fresh. The constraint needs it above 0.
        flow: α = 1 − σ (flow matching) rather than α = 1.
        region: bool, broadcastable to x: the part of the latent that is free to move.
        callback: called with `i`, `sigma`, `x` and `denoised` in each step, and in each of its repeats.

    Returns:
        The latent at noise level `sigmas[-1]`, and the report.
    """
    denoisers = denoiser if isinstance(denoiser, Denoisers) else Denoisers(denoiser)
    method = guidance.method if guidance else GuidanceMethod("unguided")
    tileable = guidance is not None and guidance.tiled_decode is not None
    differentiator = Differentiator(denoisers, method.gradient if method.rho else "none", tileable)
    report = RunReport(method.name)
    last, first = LastGradient(), True
    for index, step in enumerate(StepNumbers.of_run(method, sigmas.tolist(), eta, flow)):
        losses = guidance.active_losses(index, step.sigma_t) if guidance else []
        if method.spherical and posterior_std(step.sigma_t, step.sigma_s, eta, flow) == 0:
            losses = []  # the last step: no noise, so no sphere to choose a point on
        repeats = guidance.repeats(step.sigma_t) if guidance and losses else 1
        for repeat in range(repeats):
            draw = RepeatNoise(noise, x, step.sigma_t, repeat)
            estimate = None
            if guidance and losses:
                gradient_at = last.of(losses) if not guidance.rate.measures(index) else None
                gradient_at = gradient_at or guidance.gradient_at(losses, differentiator)
                check = partial(guidance.check, differentiator, losses) if first else None
                estimate = differentiator.run(guided_estimate, x, method, step, gradient_at, draw, check)
                first = False
                last = LastGradient(losses, estimate.at_estimate)
                denoised = estimate.denoised
            else:
                with torch.no_grad():
                    denoised = denoisers.plain(x, levels(x, step.sigma_t))
            if callback is not None:
                callback({"i": index, "sigma": step.sigma_t, "sigma_hat": step.sigma_t, "x": x, "denoised": denoised})

            mean, std = posterior(x, denoised, step.sigma_t, step.sigma_s, eta, flow)
            fresh = draw() if std > 0 else torch.zeros_like(x)
            record = StepRecord(step.sigma_t)
            if guidance and estimate:
                x_s = guided_sample(guidance, step, estimate, mean, std, fresh, region, record)
            else:
                x_s = mean + std * fresh
            if repeat + 1 < repeats:
                x = travel_back(x_s, step.sigma_s, step.sigma_t, draw("time travel"), flow)
        x = x_s
        report.steps.append(record)
    if report.guided_steps:
        report.gradient_modes, report.agreement = differentiator.history, differentiator.agreement
    return x, report


@dataclass(frozen=True)
class LastGradient:
    """The gradient of these losses at an earlier estimate."""

    losses: Sequence[LossTerm] = ()
    gradient: EstimateGradient | None = None

    def of(self, losses: Sequence[LossTerm]) -> Callable[[Tensor], EstimateGradient] | None:
        """The same wherever the estimate is now, with no value of the losses. None: it is not of these losses."""
        if self.gradient is None or [term.name for term in losses] != [term.name for term in self.losses]:
            return None
        reused = self.gradient._replace(losses={})
        return lambda denoised: reused


@dataclass(frozen=True)
class RepeatNoise:
    """The noises of one repeat of a step, by name; the step's own has none."""

    noise: Callable[..., Tensor]
    like: Tensor
    sigma: float
    repeat: int

    def __call__(self, name: str = "") -> Tensor:
        if not name and not self.repeat:
            return self.noise(self.like, self.sigma)
        return self.noise(self.like, self.sigma, f"{name} {self.repeat}")


def guided_sample(
    guidance: Guidance,
    step: StepNumbers,
    estimate: GuidedEstimate,
    mean: Tensor,
    std: float,
    fresh: Tensor,
    region: Tensor | None,
    record: StepRecord,
) -> Tensor:
    """x_s, drawn from the posterior and moved by the method's displacement. Writes down what happened."""
    method, rate = guidance.method, guidance.rate
    moved = displacement(method, step, estimate)
    gradient = estimate.gradient
    if region is not None:
        moved, gradient = torch.where(region, moved, 0), torch.where(region, gradient, 0)
    norms = norm_per_sample(gradient).flatten()
    losses, excess = estimate.at_estimate.losses, estimate.at_estimate.excess
    record.losses = {name: loss.value.tolist() for name, loss in losses.items()}
    record.costs = {name: loss.cost for name, loss in losses.items()}
    record.gradient_norm = norms.tolist()
    satisfied = guidance.only_as_needed & (excess == 0)
    record.skipped = int((~usable(moved) & ~satisfied).sum())

    if not method.spherical:
        unguided = mean + std * fresh
        return torch.where(usable(moved).view(-1, *[1] * (moved.ndim - 1)), unguided + moved, unguided)
    record.guidance_rate = rate.at(guidance.progress.percent(step.sigma_t))
    if not rate.automatic:
        return spherical_step(mean, std, fresh, -moved, record.guidance_rate, region)
    x_s, share = automatic_step(mean, std, fresh, -moved, record.guidance_rate * excess / norms, region)
    record.guidance_rate = float(share.mean())
    return x_s
