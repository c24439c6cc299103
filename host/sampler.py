"""The guided sampler, as the host takes one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import comfy.model_management
import comfy.model_sampling
from torch import Tensor

from ..guidance_losses import MeasuredLoss, inside
from ..sampling import (
    Guidance,
    GuidanceMethod,
    GuidedSteps,
    LossTerm,
    Progress,
    RunReport,
    SeededNoise,
    automatic,
    sample,
)
from ..sampling.differentiation.memory import Memory
from ..sampling.guidance import no_guidance
from .batch import batch_numbers, check_sigmas
from .conditioning import AppliedLoss, CarriedLoss, carried_losses, numbered
from .decoder import Decoder
from .errors import explained_errors
from .fitted_loss import fitted, named
from .gradient_pass import denoisers, gradients_possible, loaded_patchers, obstacle
from .inference_tensors import with_ordinary_tensors
from .live_chart import live_chart
from .loss_decoder import VAE, loss_decoder
from .memory import device_memory
from .remarks import FEW_STEPS, NOT_FINITE, ON_ANOTHER, UNGUIDED, Remarks, remarks_on
from .restoring import restored
from .ring import RING, ring_decoders, ring_sides
from .video import frames_decoders, frames_seen, one_a_video


@dataclass(frozen=True)
class GuidedSampler:
    """What samples, once the host has everything in place; `sampler_function` makes of it what the host takes.

    Attributes:
        vae: the host's, of the model.
        method: how the losses' gradient becomes a step.
        when: which steps are guided.
        eta: the share of fresh noise in each step.
        balanced: whether several losses count by their weights alone.
        loss_decoder: what decodes the estimate for the losses, one of `LOSS_DECODERS`.
        numbers: of the batch's samples, as in the host's `batch_index`; None: the sampler finds them.
        report_to: receives the report of each run.
    """

    vae: Any
    method: GuidanceMethod
    when: GuidedSteps
    eta: float = 1.0
    balanced: bool = True
    loss_decoder: str = VAE
    numbers: Sequence[int] | None = None
    report_to: Callable[[RunReport], None] = lambda report: None

    def sample(
        self, model: Any, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable[[dict], None] | None
    ) -> Tensor:
        """The host's contract of a sampler: x at `sigmas[0]` → x at `sigmas[-1]`, `model` being its denoiser."""
        guider, remarks = model.inner_model, Remarks()
        conds = getattr(guider, "conds", {})
        losses = carried_losses(conds.get("positive", []))
        if not losses:
            elsewhere = any(carried_losses(entries) for entries in conds.values())
            remarks.tell(ON_ANOTHER if elsewhere else UNGUIDED)
            with explained_errors():
                return self._run(model, x, check_sigmas(sigmas), extra_args, callback, losses, None, Memory(), remarks)
        if x.ndim < 4:
            raise ValueError(f"DSG: audio and nested latents cannot be guided (this one has shape {tuple(x.shape)}).")
        sampler = self._around(obstacle(guider), remarks)
        decoder, remark = loss_decoder(self.loss_decoder, self.vae, guider.inner_model)
        if remark:
            remarks.tell(remark)
        patchers = loaded_patchers(guider, decoder.networks())
        with explained_errors(), gradients_possible(model, patchers, extra_args, x.device):
            mask = extra_args.get("denoise_mask")
            extra_args = extra_args | {"denoise_mask": None if mask is None else mask.clone()}
            sigmas, memory = check_sigmas(sigmas.clone()), device_memory(patchers, x.device)
            return sampler._run(model, x.clone(), sigmas, extra_args, callback, losses, decoder, memory, remarks)

    def _around(self, obstacle: str | None, remarks: Remarks) -> "GuidedSampler":
        """A sampler that needs no gradient of a model that can have none.

        Raises:
            ValueError: in one sentence, where the gradient is insisted on.
        """
        mode = self.method.gradient_mode
        if obstacle and mode in ("exact", "low memory"):
            raise ValueError(f"DSG: {obstacle}; set gradient to finite difference in the Guidance Method node.")
        if obstacle and mode == "auto":
            remarks.tell(f"DSG: {obstacle}, so the gradient is computed by finite differences.")
            return replace(self, method=replace(self.method, gradient_mode="finite difference"))
        return self

    def _run(
        self,
        model: Any,
        x: Tensor,
        sigmas: Tensor,
        extra_args: dict,
        callback: Callable[[dict], None] | None,
        losses: list[CarriedLoss],
        decoder: Decoder | None,
        memory: Memory,
        remarks: Remarks,
    ) -> Tensor:
        base, mask, steps = model.inner_model.inner_model, extra_args.get("denoise_mask"), len(sigmas) - 1
        guidance = self._guidance(decoder, base, x, losses, remarks) if decoder else no_guidance(self.method)
        often = guidance.method.fits(steps)
        if losses and often > 1 and steps > 1:
            told = {"steps": steps, "method": guidance.method.name, "often": often, "passes": 1 + often * (steps - 1)}
            remarks.tell(FEW_STEPS.format(**told))
        x, report = sample(
            denoisers(model, extra_args, x.device, memory, remarks),
            x,
            sigmas,
            SeededNoise(extra_args.get("seed") or 0, self._numbers_of(model, x, extra_args.get("seed"))),
            guidance,
            eta=self.eta,
            flow=isinstance(base.model_sampling, comfy.model_sampling.CONST),
            region=None if mask is None else mask > 0,
            callback=callback,
            on_step=live_chart(steps),
        )
        if any(loss.applied.restore for loss in losses) and sigmas[-1] == 0:
            if self.loss_decoder != VAE:  # which is not on the device then
                comfy.model_management.load_models_gpu([self.vae.patcher])
            x = restored(self.vae, base, x, [loss.applied for loss in losses])
        for remark in remarks_on(report, bool(losses)):
            remarks.tell(remark)
        if not x.isfinite().all():
            remarks.tell(NOT_FINITE)
        report.remarks = remarks.sentences
        self.report_to(report)
        return x

    def _numbers_of(self, model: Any, x: Tensor, seed: int | None) -> Sequence[int] | None:
        if self.numbers is not None and len(self.numbers) == len(x):
            return self.numbers
        return batch_numbers(model, x, seed)

    def _guidance(
        self, decoder: Decoder, base: Any, x: Tensor, losses: list[CarriedLoss], remarks: Remarks
    ) -> Guidance:
        """The losses, fitted to the pictures that this latent decodes to."""
        size = decoder.picture_size(x)
        names = numbered([loss.applied.loss.name for loss in losses])
        seen = [frames_looked_at(name, loss.applied, size[0]) for name, loss in zip(names, losses)]
        decoded = sorted(set().union(*seen))
        decoders, sides = frames_decoders(decoder, x, size, decoded, remarks.tell), ring_sides(losses)
        scale = size[-1] // x.shape[-1]
        if any(sides):
            decoders = ring_decoders(decoders, sides, scale)
            if scale > 1:
                remarks.tell(RING)
        terms = [
            fitted_term(name, carried, x, size, [decoded.index(frame) for frame in frames])
            for name, carried, frames in zip(names, losses, seen)
        ]
        method = automatic(self.method, terms)
        if method.name != self.method.name:
            method = replace(method, gradient_mode=self.method.gradient_mode)
        progress = Progress(lambda share: float(base.model_sampling.percent_to_sigma(share)))
        return Guidance(terms, decoders, method, self.when, progress, self.balanced)


def frames_looked_at(name: str, applied: AppliedLoss, count: int) -> Sequence[int]:
    """As `frames_seen`; what it raises begins with a node's name."""
    with named(applied, name):
        return frames_seen(applied, count)


def fitted_term(
    name: str, carried: CarriedLoss, x: Tensor, size: tuple[int, int, int], places: Sequence[int]
) -> LossTerm:
    """A loss as a term of the run on the latents x, whose samples are pictures of this size (frames, height, width).

    Args:
        places: of the frames that it looks at, among those that are decoded.

    Raises:
        InputError: in one sentence that begins with the node's name, if there can be no such loss of these.
    """
    applied, videos, frames = carried.applied, len(x), len(places)
    pictures = videos * frames, *size[1:]
    region = carried.region(x)
    with named(applied, name):
        loss = with_ordinary_tensors(applied.loss)
        function = fitted(loss, applied, name, videos, frames, *size[1:], x.device)
        if applied.where is not None:
            function = inside(function, applied.where.clone().to(x.device), *pictures)
        if region is not None:
            function = inside(function, region.repeat_interleave(frames, 0), *pictures)
        if size[0] > 1:
            function = one_a_video(function, applied, name, videos, places)
        limits = applied.start_percent, applied.end_percent
        term = LossTerm(name, function, applied.weight, *limits, when=carried.counts)
        if not isinstance(loss, MeasuredLoss):
            return term
        values = loss.values(*pictures, x.device).view(videos, frames).sum(1)
        whole = applied.where is None and region is None
        floor, noise_level = loss.noise_level * values.sqrt(), loss.noise_level
    return replace(term, floor=floor, noise_level=noise_level, values=values if whole else None)


def sampler_function(sampler: GuidedSampler) -> Callable[..., Tensor]:
    """A function as the host's own samplers are, for its `KSAMPLER`."""

    def sample_dsg(
        model: Any, x: Tensor, sigmas: Tensor, extra_args: Any = None, callback: Any = None, disable: Any = None
    ) -> Tensor:
        return sampler.sample(model, x, sigmas, extra_args or {}, callback)

    return sample_dsg
