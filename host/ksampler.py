"""What the host's KSampler node does, with the guided sampler."""

from dataclasses import replace
from inspect import signature
from typing import Any

import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
from torch import Tensor

from ..sampling import RunReport
from .conditioning import with_models
from .errors import explained_errors
from .loss_decoder import VAE
from .sampler import GuidedSampler, sampler_function

DOWNSCALE_RATIOS = "downscale_ratio_spacial", "downscale_ratio_temporal"  # the host's keys of a LATENT


def sample_latent(
    model: Any,
    positive: list,
    negative: list,
    latent: dict,
    sampler: GuidedSampler,
    seed: int,
    steps: int,
    cfg: float,
    scheduler: str,
    denoise: float,
    last_step: int | None = None,
) -> tuple[dict, RunReport]:
    """What the host's KSampler node does, with this sampler. Returns the LATENT and the run's report.

    Args:
        last_step: stop after so many of the steps, with the noise that is left.
    """
    if sampler.loss_decoder == VAE:
        positive = with_models(positive, [sampler.vae.patcher])
    reports = [RunReport("unguided")]  # stays alone where denoise leaves no step to take
    samples, latent = filled_latent(model, latent)
    numbers = latent.get("batch_index")
    sigmas = comfy.samplers.KSampler(
        model, steps, model.load_device, "euler_ancestral", scheduler, denoise, model.model_options
    ).sigmas
    sigmas = sigmas if last_step is None else sigmas[: last_step + 1]
    sampler = replace(sampler, numbers=numbers, report_to=reports.append)
    with explained_errors():
        samples = comfy.sample.sample_custom(
            model,
            comfy.sample.prepare_noise(samples, seed, numbers),
            cfg,
            comfy.samplers.KSAMPLER(sampler_function(sampler)),
            sigmas,
            positive,
            negative,
            samples,
            noise_mask=latent.get("noise_mask"),
            callback=latent_preview.prepare_callback(model, len(sigmas) - 1),
            disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
            seed=seed,
        )
    return latent | {"samples": samples}, reports[-1]


def filled_latent(model: Any, latent: dict) -> tuple[Tensor, dict]:
    """The latent to begin with, in the model's shape, and the LATENT without what was asked for that.

    Newer hosts' empty latents say for which scale they were made, and the host fits them to the model's.
    """
    fit = comfy.sample.fix_empty_latent_channels
    asked = [name for name in DOWNSCALE_RATIOS if name in signature(fit).parameters]
    samples = fit(model, latent["samples"], **{name: latent.get(name) for name in asked})
    return samples, {name: value for name, value in latent.items() if name not in asked}
