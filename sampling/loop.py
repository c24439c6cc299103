"""The sampler's loop."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .differentiation.networks import Denoiser, Denoisers
from .guidance import Guidance, no_guidance
from .guide import Guide
from .progress import Progress
from .report import RunReport
from .step import Previous, steps_of_run
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
    on_step: Callable[[RunReport], None] = lambda report: None,
) -> tuple[Tensor, RunReport]:
    """Sample from noise level `sigmas[0]` down to `sigmas[-1]`.

    Args:
        denoiser: `(x, sigma [B]) → denoised`.
        x: the latent at noise level `sigmas[0]`, `[B, C, H, W]` or more dimensions.
        sigmas: descending, `[steps + 1]`.
        noise: `(like, sigma) → N(0, I)`, for instance `SeededNoise`. Methods that need more draws in a step call it
            with a third argument, a name, and want another draw for each.
        guidance: None samples as the model does.
        eta: in [0, 2], how much of each step's noise is fresh, see `Step`. The constraint needs it above 0.
        flow: α = 1 − σ (flow matching) rather than α = 1.
        region: bool, broadcastable to x: the part of the latent that is free to move.
        callback: called with `i`, `sigma`, `x` and `denoised` in each step, and in each of its repeats.
        on_step: called with the report so far after each step.

    Returns:
        The latent at noise level `sigmas[-1]`, and the report.
    """
    guidance = guidance or no_guidance()
    method, levels = guidance.method, sigmas.tolist()
    progress = guidance.progress or Progress.even(levels[0])
    steps = steps_of_run(levels, eta if method.eta is None else method.eta, flow, progress)
    guide = Guide(guidance, Denoisers.of(denoiser), steps)
    guide.try_gradient(x)
    return run_steps(guide, x, noise, region, callback, on_step)


def run_steps(
    guide: Guide,
    x: Tensor,
    noise: Callable[..., Tensor],
    region: Tensor | None,
    callback: Callable[[dict], None] | None,
    on_step: Callable[[RunReport], None],
) -> tuple[Tensor, RunReport]:
    """The loop: estimate, step, and time travel back where a step is repeated. See `sample`."""
    report, previous = RunReport(guide.guidance.method.name), None
    for way in guide.ways():
        step = way.step
        for repeat in range(way.repeats):
            draw = RepeatNoise(noise, x, step.sigma_t, repeat)
            estimate = way.estimate(x, draw)
            if callback is not None:
                callback(step.event(x, estimate.denoised))
            unguided = guide.guidance.method.solver(x, estimate.denoised, step, previous)
            fresh = draw() if unguided.std > 0 else torch.zeros_like(x)
            x_s, record = way.take(estimate, unguided, fresh, region)
            if repeat + 1 < way.repeats:
                x = travel_back(x_s, step, draw("time travel"))
        x, previous = x_s, Previous(step, estimate.denoised)
        report.steps.append(record)
        if record.gradient_norm:
            report.gradient_modes, report.agreement = guide.differentiator.history, guide.differentiator.agreement
        on_step(report)
    return x, report


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
