"""All that touches ComfyUI below the nodes.

The executor runs nodes under `torch.inference_mode()`, so the weights and conditionings that reach a sampler are
inference tensors, which autograd refuses to save. `GuidedSampler` replaces them by ordinary copies, one at a time, when
a run begins. Nothing of the host is patched; the switches that a guided pass needs are put back when it ends.
"""

import contextlib
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from inspect import signature
from itertools import pairwise
from typing import NamedTuple

import comfy.cli_args
import comfy.ldm.modules.attention
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.patcher_extension
import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..guidance_losses import Loss, MeasuredLoss, inside
from ..sampling import (
    TILE,
    Again,
    Denoisers,
    Guidance,
    GuidanceMethod,
    GuidanceRate,
    LossTerm,
    Memory,
    Progress,
    RunReport,
    SeededNoise,
    all_again,
    calling_again,
    checkpointing,
    decode_in_tiles,
    is_out_of_memory,
    loss_gradient,
    random_numbers,
    sample,
)
from .conditioning import AppliedLoss, CarriedLoss, apply_loss, carried_losses, with_models
from .lent_weights import fetch_anew, hooked_layers, is_dynamic, lent_layers, remember_hooks
from .patches import ordinary_networks, remember_patches
from .remarks import Remarks

__all__ = ["AppliedLoss", "apply_loss"]

CORNER = 8  # of a latent, each way
MOST_DRAWN = 2**25  # numbers, to find out which pictures of a batch these are
DOWNSCALE_RATIOS = "downscale_ratio_spacial", "downscale_ratio_temporal"  # the host's keys of a LATENT
ALL_OF_IT = 1e30  # bytes, as the host itself writes it
COMPILED = "torch.compile"  # the host's key for the wrapper that its compiled models have


# --- networks of losses -----------------------------------------------------------------------------------------------


class LoadedNetwork(NamedTuple):
    """A loss's network, and the host's handle on it: the host loads it with the model, and offloads and frees it."""

    module: nn.Module
    patcher: object


def loaded_network(module: nn.Module) -> LoadedNetwork:
    devices = comfy.model_management.get_torch_device(), comfy.model_management.unet_offload_device()
    return LoadedNetwork(module, comfy.model_patcher.ModelPatcher(module, *devices))


def load_network(network: LoadedNetwork) -> torch.device:
    """Have the host load a network now, for a node that uses it by itself. Returns the device of its pictures."""
    comfy.model_management.load_models_gpu([network.patcher])
    return network.patcher.load_device


class ClipVisionTokens(nn.Module):
    """The image tower of a CLIP_VISION, for the style loss (see `guidance_losses.style.TokenNetwork`).

    Of whatever kind: the longest list of modules in it is its blocks, and of the tokens that a block gives for a square
    picture, the largest square at the end is the picture's; class and register tokens come before.
    """

    def __init__(self, clip_vision):
        super().__init__()
        self.network = clip_vision.model
        lists = [module for module in self.network.modules() if isinstance(module, nn.ModuleList)]
        self.blocks = max(lists, key=len, default=nn.ModuleList())
        self.layers = len(self.blocks)
        if not self.layers:
            raise ValueError("there are no transformer blocks in it")
        self.mean, self.std = clip_vision.image_mean, clip_vision.image_std
        self.size = clip_vision.image_size
        if self.size <= 0:  # it takes any number of patches up to one, as SigLIP2's NaFlex
            self.size = clip_vision.config["patch_size"] * math.isqrt(clip_vision.config["num_patches"])

    def image_tokens(self, images: Tensor, layers: tuple[int, ...]) -> list[Tensor]:
        mean, std = (images.new_tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        images = F.interpolate(images, (self.size, self.size), mode="bicubic", antialias=True)
        found: dict[int, Tensor] = {}

        def keep(number: int, _block: nn.Module, _inputs: tuple, tokens: Tensor) -> None:
            found[number] = tokens[:, -(math.isqrt(tokens.shape[1]) ** 2) :].clone()
            if number == max(layers):
                raise _EnoughBlocks

        with contextlib.ExitStack() as hooks, contextlib.suppress(_EnoughBlocks):
            for number, block in enumerate(self.blocks[: max(layers)], 1):
                hooks.enter_context(block.register_forward_hook(partial(keep, number)))
                for part in block.children():
                    hooks.enter_context(part.register_forward_pre_hook(_own_input))
            self.network((images - mean) / std)
        return [found[number] for number in layers]


class _EnoughBlocks(Exception):
    """Ends a pass through the tower: the blocks behind are not needed."""


def _own_input(_module: nn.Module, inputs: tuple) -> tuple:
    """A hook that gives a part of a block a copy of its input: the host's blocks overwrite what autograd has saved."""
    return (inputs[0].clone(), *inputs[1:])


def clip_vision_network(clip_vision) -> LoadedNetwork:
    """The network for the style loss, after a trial.

    Raises:
        ValueError: in one sentence, if it gives no tokens, or no gradient.
    """
    try:
        network = LoadedNetwork(ClipVisionTokens(clip_vision), clip_vision.patcher)
        device = load_network(network)
        fetch_anew(network.patcher)
        lent = lent_layers(network.patcher, device)
        with torch.inference_mode(False), torch.enable_grad(), calling_again(lent):
            replace_inference_tensors(network.module, device)
            side = network.module.size
            picture = torch.full((1, 3, side, side), 0.5, device=device, requires_grad=True)
            (tokens,) = network.module.image_tokens(picture, (1,))
            torch.autograd.grad(tokens.square().mean(), picture)
    except Exception as error:  # a network of another kind fails in its own way
        if is_out_of_memory(error):
            raise
        raise ValueError(
            "Style Loss: this CLIP_VISION gives no tokens with a gradient; load a vision transformer, as CLIP, SigLIP "
            f"and DINO have. (It says: {textwrap.shorten(str(error), 90)})"
        ) from error
    return network


# --- what the user gave -----------------------------------------------------------------------------------------------


def check_vae(vae, node: str) -> None:
    """Raises ValueError, in one sentence, if this is no VAE that decodes."""
    if vae is None or vae.first_stage_model is None:
        raise ValueError(f"{node}: there is no VAE in this checkpoint; connect one from a Load VAE node.")


def check_latent(latent: dict, node: str) -> None:
    """Raises ValueError, in one sentence, for latents that are no pictures or frames."""
    samples = latent["samples"]
    if samples.is_nested:
        raise ValueError(f"{node}: nested latents (several media at once) cannot be guided; guide one of them alone.")
    if samples.ndim < 4:
        raise ValueError(f"{node}: this latent is no picture (shape {tuple(samples.shape)}); audio cannot be guided.")


# --- models -----------------------------------------------------------------------------------------------------------


def device_memory(patchers: list, device: torch.device) -> Memory:
    """The host's memory for a run of these models: it leaves the host its own reserve, and unloads all other models."""

    def free() -> float:
        lent = sum(patcher.loaded_size() for patcher in patchers if is_dynamic(patcher))  # goes where room is needed
        reserve = comfy.model_management.minimum_inference_memory()
        return comfy.model_management.get_free_memory(device) + lent - reserve

    def make_room() -> bool:
        own = {id(part.model) for patcher in patchers for part in (patcher, *patcher.model_patches_models())}
        keep = [
            loaded
            for loaded in comfy.model_management.current_loaded_models
            if loaded.model is None or id(loaded.model.model) in own
        ]
        return bool(comfy.model_management.free_memory(ALL_OF_IT, device, keep))

    return Memory(free, make_room)


def _ordinary(tensor: Tensor, device: torch.device) -> bool:
    """Whether autograd can save the tensor, or never meets it: weights elsewhere are copied here for each use."""
    return not tensor.is_inference() or tensor.device != device


def replace_inference_tensors(root: nn.Module, device: torch.device) -> None:
    """Replace each inference tensor of a module on its device by an ordinary copy, one at a time, shared ones once."""
    copies: dict[int, nn.Parameter] = {}
    for module in root.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and not _ordinary(parameter, device):
                if id(parameter) not in copies:
                    copies[id(parameter)] = nn.Parameter(parameter.clone(), parameter.requires_grad)
                module._parameters[name] = copies[id(parameter)]
        for name, buffer in module._buffers.items():
            if buffer is not None and not _ordinary(buffer, device):
                module._buffers[name] = buffer.clone()
        replace_inference_attributes(module)


def replace_inference_attributes(thing: object) -> None:
    for name, value in vars(thing).items():
        if isinstance(value, Tensor) and value.is_inference():
            setattr(thing, name, value.clone())


def replace_inference_conds(conds: dict[str, list[dict]]) -> None:
    """The same for the processed conditionings of one run, which belong to the run alone."""
    for entries in conds.values():
        for options in entries:
            for name, value in options.items():
                if isinstance(value, Tensor):
                    options[name] = value.clone()
            for cond in options.get("model_conds", {}).values():
                value = getattr(cond, "cond", None)
                if isinstance(value, Tensor):
                    cond.cond = value.clone()
                elif isinstance(value, list):
                    cond.cond = [item.clone() if isinstance(item, Tensor) else item for item in value]


def with_ordinary_tensors(loss: Loss) -> Loss:
    """A copy of a loss whose references autograd can save."""
    values = {entry.name: getattr(loss, entry.name) for entry in fields(loss)}
    return replace(loss, **{name: value.clone() for name, value in values.items() if isinstance(value, Tensor)})


@contextlib.contextmanager
def frozen(modules: list[nn.Module]) -> Iterator[None]:
    """No gradient for the weights: they would keep every activation of the pass alive."""
    trainable = [weight for module in modules for weight in module.parameters() if weight.requires_grad]
    try:
        for weight in trainable:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in trainable:
            weight.requires_grad_(True)


@contextlib.contextmanager
def training_switches() -> Iterator[None]:
    """The host's own switches for passes that go backward, where it has them (not in 0.3.75)."""
    wanted = [
        (comfy.model_management, "in_training", True),
        (comfy.model_management, "NUM_STREAMS", 0),
        (comfy.cli_args.args, "disable_comfy_compiler", True),
    ]
    before = [(place, name, getattr(place, name)) for place, name, _ in wanted if hasattr(place, name)]
    try:
        for place, name, value in wanted:
            if hasattr(place, name):
                setattr(place, name, value)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


def _pytorch_attention(_chosen, *args, **kwargs):
    return comfy.ldm.modules.attention.attention_pytorch(*args, **kwargs)


def _own_copy(hidden: Tensor, _options: dict) -> Tensor:
    return hidden.clone()


def for_gradient(model_options: dict) -> dict:
    """Options for a guided pass, on top of the user's.

    PyTorch's attention has a backward, is deterministic and, on a CPU, the fastest. And the host's UNet adds a
    ControlNet's output in place to what it kept for its skips; so that this does not overwrite what autograd has saved,
    the way down goes on with a copy.
    """
    transformer_options = model_options.get("transformer_options", {})
    patches = transformer_options.get("patches", {})
    after_skip = [*patches.get("input_block_patch_after_skip", []), _own_copy]
    changed = {
        "optimized_attention_override": _pytorch_attention,
        "patches": patches | {"input_block_patch_after_skip": after_skip},
    }
    return model_options | {"transformer_options": transformer_options | changed}


def without_compilation(model_options: dict) -> dict:
    """Options for a pass that does without torch.compile: changed modules would be compiled anew, minutes each time."""
    transformer_options = model_options.get("transformer_options", {})
    wrappers, place = transformer_options.get("wrappers", {}), comfy.patcher_extension.WrappersMP.APPLY_MODEL
    others = {key: value for key, value in wrappers.get(place, {}).items() if key != COMPILED}
    return model_options | {"transformer_options": transformer_options | {"wrappers": wrappers | {place: others}}}


# --- latents and pictures ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decoder:
    """From the sampler's latents to pictures, with a gradient: what `VAE.decode` does, without its clamp."""

    vae: object
    model: nn.Module
    found: list[bool] = field(default_factory=list)  # what `repeatable` found

    def __call__(self, latent: Tensor) -> Tensor:
        """`[B, C, (T,) H, W]` → `[B or B·T, 3, H, W]`, in about [0, 1]."""
        raw = self.vae.first_stage_model.decode(self.model.process_latent_out(latent).to(self.vae.vae_dtype))
        if raw.ndim == 5:
            raw = raw.transpose(1, 2).flatten(0, 1)
        scale, offset = self.output_range()
        return raw.float() * scale + offset

    def checkpointed(self, latent: Tensor) -> Tensor:
        """The same. If the VAE's blocks can be called again, its pass keeps their inputs alone."""
        if not self.repeatable(latent):
            return self(latent)
        with self._checkpointing():
            return self(latent)

    def repeatable(self, latent: Tensor) -> bool:
        """Whether checkpoints change nothing, by a trial on a corner, once a run.

        The decoders of some video models carry state from block to block, so that a second call of a block is another.
        """
        if not self.found:
            corner = latent[:1, ..., :CORNER, :CORNER]
            expected = self._trial(corner)
            try:
                with self._checkpointing():
                    tried = self._trial(corner)
            except Exception as error:  # whatever the decoder makes of it
                if is_out_of_memory(error):
                    raise
                self.found.append(False)
            else:
                self.found.append(all(map(nearly_equal, tried, expected)))
        return self.found[0]

    @contextlib.contextmanager
    def _checkpointing(self) -> Iterator[None]:
        """Of the blocks of an autoencoder's parts, and of parts that are a mere sequence."""
        network = self.vae.first_stage_model
        with contextlib.ExitStack() as stack:
            for part in (network, *network.children()):
                stack.enter_context(checkpointing(part))
            yield

    def _trial(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures, and a gradient through them."""
        with torch.enable_grad():
            leaf = latent.detach().clone().requires_grad_()
            pictures = self(leaf)
            return pictures.detach(), torch.autograd.grad(pictures.square().sum(), leaf)[0]

    def in_tiles(self, latent: Tensor, scale: int) -> Tensor:
        """Nearly the same, tile by tile; scale: pixels of a latent, each way."""
        return decode_in_tiles(self, latent, scale)

    def picture_size(self, latent: Tensor) -> tuple[int, int, int]:
        """Frames, height and width of the picture behind one sample, judged by a corner of it.

        Raises:
            ValueError: in one sentence, if the VAE does not belong to the model.
        """
        corner = torch.zeros_like(latent[:1, ..., :CORNER, :CORNER])
        try:
            with torch.no_grad():
                frames, channels, height, width = self(corner).shape
        except (RuntimeError, ValueError) as error:
            if is_out_of_memory(error):
                raise
            channels = 0
        if channels != 3:
            raise ValueError(
                f"DSG: this VAE cannot make a picture of the model's latents ({latent.shape[1]} channels); connect the "
                "VAE that belongs to the model."
            )
        return frames, height * latent.shape[-2] // corner.shape[-2], width * latent.shape[-1] // corner.shape[-1]

    def output_range(self) -> tuple[float, float]:
        """Scale and offset of the VAE's own mapping to [0, 1], read off where no clamp acts."""
        low, high = self.vae.process_output(torch.tensor([0.25, 0.75])).tolist()
        return (high - low) * 2, low - (high - low) * 0.5

    def restore(self, latent: Tensor, restores: list[Callable[[Tensor], Tensor]]) -> Tensor:
        """Change pictures behind the latent. Only the difference is encoded, so the rest keeps its latent as it is."""
        with torch.no_grad():
            before = self(latent).clamp(0, 1)
            after = before
            for restore in restores:
                after = restore(after)
            return latent + self.encode(after) - self.encode(before)

    def encode(self, images: Tensor) -> Tensor:
        latent = self.vae.encode(images.movedim(1, -1).cpu())
        return self.model.process_latent_in(latent.to(images.device))


def nearly_equal(a: Tensor, b: Tensor) -> bool:
    """Up to the rounding of half precision, over all."""
    return a.shape == b.shape and bool((a - b).float().norm() <= 0.01 * b.float().norm())


@contextlib.contextmanager
def explained_errors() -> Iterator[None]:
    """Say in one sentence what it means if memory ends for good, or if some part of the model has no backward pass."""
    try:
        yield
    except (RuntimeError, NotImplementedError) as error:
        if is_out_of_memory(error):
            raise comfy.model_management.OOM_EXCEPTION(
                "DSG: memory ran out where no cheaper gradient helps; make the picture or the batch smaller, or apply "
                f"fewer losses. (PyTorch says: {textwrap.shorten(str(error), 90)})"
            ) from error
        if not _is_about_gradients(error):
            raise
        raise RuntimeError(
            "DSG: this model gives no gradient: some quantized weights, compiled models and attention kernels have "
            "none. Set gradient to finite difference in the Guidance Method node, or use the plain model. "
            f"(PyTorch says: {textwrap.shorten(str(error), 90)})"
        ) from error


def _is_about_gradients(error: Exception) -> bool:
    words = ("grad", "backward", "derivative", "differentia", "autograd", "inference tensor")
    return any(word in str(error).lower() for word in words)


# --- the sampler ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GuidedSampler:
    """What samples, once the host has everything in place; `sampler_function` makes of it what the host takes.

    Attributes:
        numbers: of the batch's samples, as in the host's `batch_index`; None: the sampler finds them.
        report_to: receives the report of each run.
    """

    vae: object
    rate: GuidanceRate
    method: GuidanceMethod
    eta: float = 1.0
    balanced: bool = True
    numbers: Sequence[int] | None = None
    report_to: Callable[[RunReport], None] = lambda report: None

    def sample(self, model, x: Tensor, sigmas: Tensor, extra_args: dict, callback) -> Tensor:
        guider, remarks = model.inner_model, Remarks()
        conds = getattr(guider, "conds", {})
        losses = carried_losses(conds.get("positive", []))
        if not losses:
            elsewhere = any(carried_losses(entries) for entries in conds.values())
            remarks.tell(ON_ANOTHER if elsewhere else UNGUIDED)
            return self._run(model, x, check_sigmas(sigmas), extra_args, callback, losses, Memory(), remarks)
        if x.ndim < 4:
            raise ValueError(f"DSG: audio and nested latents cannot be guided (this one has shape {tuple(x.shape)}).")
        obstacle = gradient_obstacle(guider)
        if obstacle and self.method.gradient in ("exact", "low memory"):
            raise ValueError(f"DSG: {obstacle}; set gradient to finite difference in the Guidance Method node.")
        sampler = self
        if obstacle and self.method.gradient == "auto":
            remarks.tell(f"DSG: {obstacle}, so the gradient is computed by finite differences.")
            sampler = replace(self, method=replace(self.method, gradient="finite difference"))
        model_patcher = guider.model_patcher
        patchers = list(dict.fromkeys([model_patcher, *guider.loaded_models, self.vae.patcher]))
        if self.vae.patcher not in guider.loaded_models:  # the host's custom sampling nodes know nothing of our VAE
            comfy.model_management.load_models_gpu(patchers)
        patchers = list(dict.fromkeys([*patchers, *model_patcher.model_patches_models()]))
        modules = [patcher.model for patcher in patchers if isinstance(patcher.model, nn.Module)]
        for patcher in patchers:
            fetch_anew(patcher)
        lent = [layer for patcher in patchers for layer in lent_layers(patcher, x.device)]
        lent = list(dict.fromkeys([*lent, *hooked_layers(model_patcher, conds)]))

        with torch.inference_mode(False), explained_errors():
            modules += ordinary_networks(extra_args.get("model_options", {}))
            for module in modules:
                replace_inference_tensors(module, x.device)
            replace_inference_attributes(guider.inner_model.latent_format)
            replace_inference_attributes(model)
            replace_inference_conds(conds)
            mask = extra_args.get("denoise_mask")
            extra_args = extra_args | {"denoise_mask": None if mask is None else mask.clone()}
            sigmas = check_sigmas(sigmas.clone())
            remember = partial(remember_hooks, model_patcher)
            with frozen(modules), training_switches(), calling_again(lent, remember):
                memory = device_memory(patchers, x.device)
                return sampler._run(model, x.clone(), sigmas, extra_args, callback, losses, memory, remarks)

    def _run(
        self, model, x, sigmas, extra_args, callback, losses: list[CarriedLoss], memory: Memory, remarks: Remarks
    ) -> Tensor:
        guider = model.inner_model
        base = guider.inner_model
        mask = extra_args.get("denoise_mask")
        options = for_gradient(extra_args.get("model_options", {}))
        guided_args = extra_args | {"model_options": options}
        uncompiled_args = extra_args | {"model_options": without_compilation(options)}
        decoder = Decoder(self.vae, base)

        def remember() -> Again:
            return all_again(random_numbers(x.device), remember_patches(options), remember_hooks(guider.model_patcher))

        def plain(latent: Tensor, sigma: Tensor) -> Tensor:
            return model(latent, sigma, **extra_args)

        def differentiable(latent: Tensor, sigma: Tensor) -> Tensor:
            return model(latent, sigma, **guided_args)

        def checkpointed(latent: Tensor, sigma: Tensor) -> Tensor:
            with checkpointing(base.diffusion_model, remember):
                return model(latent, sigma, **uncompiled_args)

        precision = base.manual_cast_dtype or base.get_dtype()
        denoisers = Denoisers(plain, differentiable, checkpointed, precision, memory, remember, remarks.tell)
        guidance = self._guidance(decoder, base, x, losses) if losses else None
        if guidance:
            probe_gradient(denoisers, x, sigmas, guidance)
        x, report = sample(
            denoisers,
            x,
            sigmas,
            SeededNoise(extra_args.get("seed") or 0, self._numbers_of(model, x, extra_args.get("seed"))),
            guidance,
            eta=self.eta,
            flow=isinstance(base.model_sampling, comfy.model_sampling.CONST),
            region=None if mask is None else mask > 0,
            callback=callback,
        )
        restores = [loss.applied.restore for loss in losses if loss.applied.restore]
        if restores and sigmas[-1] == 0:
            x = decoder.restore(x, restores)
        for remark in remarks_on(report, bool(losses)):
            remarks.tell(remark)
        report.remarks = remarks.sentences
        self.report_to(report)
        return x

    def _numbers_of(self, model, x: Tensor, seed: int | None) -> Sequence[int] | None:
        if self.numbers is not None and len(self.numbers) == len(x):
            return self.numbers
        return batch_numbers(model, x, seed)

    def _guidance(self, decoder: Decoder, base, x: Tensor, losses: list[CarriedLoss]) -> Guidance:
        """The losses, fitted to the pictures that this latent decodes to."""
        frames, height, width = decoder.picture_size(x)
        names = numbered([loss.applied.loss.name for loss in losses])
        terms = []
        for name, carried in zip(names, losses):
            item = carried.applied
            size = frames * len(x), height, width
            loss = with_ordinary_tensors(item.loss)
            fitted = loss.fit(*size, x.device)
            floor = loss.floor(*size, x.device) if isinstance(loss, MeasuredLoss) else 0.0
            if item.where is not None:
                fitted = inside(fitted, item.where.clone().to(x.device), *size)
            region = carried.region(x)
            if region is not None:
                fitted = inside(fitted, region.repeat_interleave(frames, 0), *size)
            limits = item.start_percent, item.end_percent
            terms.append(LossTerm(name, fitted, item.weight, *limits, floor, carried.counts))
        progress = Progress(lambda share: float(base.model_sampling.percent_to_sigma(share)))
        tiled = partial(decoder.in_tiles, scale=height // x.shape[-2]) if max(x.shape[-2:]) > TILE else None
        return Guidance(terms, decoder, self.rate, progress, self.method, self.balanced, decoder.checkpointed, tiled)


UNGUIDED = "DSG: the positive conditioning carries no loss, so this run is not guided."
ON_ANOTHER = "DSG: losses count on the positive conditioning alone, which carries none, so this run is not guided."


def sampler_function(sampler: GuidedSampler) -> Callable[..., Tensor]:
    """A function as the host's own samplers are, for its `KSAMPLER`."""

    def sample_dsg(model, x: Tensor, sigmas: Tensor, extra_args=None, callback=None, disable=None) -> Tensor:
        return sampler.sample(model, x, sigmas, extra_args or {}, callback)

    return sample_dsg


def check_sigmas(sigmas: Tensor) -> Tensor:
    """The noise levels of a run, each once: a step from a level to itself is none.

    Raises:
        ValueError: in one sentence, if they are no such levels.
    """
    levels = sigmas.tolist()
    if not all(math.isfinite(level) for level in levels) or min(levels, default=0.0) < 0:
        raise ValueError("DSG: the sigmas hold negative, infinite or NaN values; connect a scheduler's.")
    rising = [number for number, (before, after) in enumerate(pairwise(levels), 1) if after > before]
    if rising:
        raise ValueError(
            f"DSG: the sigmas rise at step {rising[0]}, and a guided run goes from noise to picture; connect them in "
            "falling order, as schedulers give them."
        )
    if levels and levels[0] == 0:
        raise ValueError(
            "DSG: the sigmas begin at 0, where there is no noise to guide; begin with a scheduler's first."
        )
    return torch.unique_consecutive(sigmas)


def remarks_on(report: RunReport, asked: bool) -> Iterator[str]:
    """What a user should know of a run that was to be guided."""
    if not asked:
        return
    if not report.guided_steps:
        yield (
            f"DSG: none of the {len(report.steps)} steps was guided: no step begins within the ranges of the losses, "
            "their conditioning and the rate. Widen them, or take more steps."
        )
    if report.skipped:
        yield f"DSG: {report.skipped} steps had no usable gradient and were taken unguided."
    for name, first, last in report.risen:
        yield f"DSG: the loss '{name}' rose from {first:.4g} to {last:.4g}; try another rate, or more steps."


def batch_numbers(model, x: Tensor, seed: int | None) -> list[int] | None:
    """Which samples of the seed's own batch these are, by their first noise. None: it cannot be told.

    The host's custom sampling nodes tell a sampler the noise, and not the `batch_index` that it was drawn for.
    """
    noise = getattr(model, "noise", None)
    if seed is None or noise is None or noise.shape != x.shape or not noise.any():
        return None
    generator = torch.Generator().manual_seed(seed)
    numbers: dict[int, int] = {}
    for number in range(max(len(noise), min(MOST_DRAWN // noise[0].numel(), 256))):
        drawn = torch.randn(noise.shape[1:], generator=generator).to(noise)
        numbers |= {place: number for place, sample in enumerate(noise) if torch.equal(sample, drawn)}
        if len(numbers) == len(noise):
            return [numbers[place] for place in range(len(noise))]
    return None


def numbered(names: list[str]) -> list[str]:
    """Names that differ: the second "mask" becomes "mask 2"."""
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    return [name if count == 1 else f"{name} {count}" for name, count in zip(names, counts)]


def gradient_obstacle(guider) -> str | None:
    """Why this guider's model cannot go backward, if it can be seen before the run."""
    if "multigpu_clones" in guider.model_options:
        return "a model that is spread over several GPUs has no gradient"
    return None


def probe_gradient(denoisers: Denoisers, x: Tensor, sigmas: Tensor, guidance: Guidance) -> None:
    """Fail at the start and not in the middle, where a gradient is insisted on: a trial if the first step has none."""
    guided = [bool(guidance.active_losses(index, sigma)) for index, sigma in enumerate(sigmas[:-1].tolist())]
    mode = guidance.method.gradient
    if not guidance.method.rho or mode not in ("exact", "low memory") or not any(guided) or guided[0]:
        return
    try:
        loss_gradient(denoisers, x, float(sigmas[0]), guidance.losses, guidance.decode, mode=mode)
    except RuntimeError as error:
        if not is_out_of_memory(error):  # for that, the run has cheaper ways
            raise


def sample_latent(
    model, positive, negative, latent: dict, sampler: GuidedSampler, seed, steps, cfg, scheduler, denoise
) -> tuple[dict, RunReport]:
    """What the host's KSampler node does, with this sampler. Returns the LATENT and the run's report."""
    positive = with_models(positive, [sampler.vae.patcher])
    reports = [RunReport("unguided")]  # stays alone where denoise leaves no step to take
    samples, latent = filled_latent(model, latent)
    numbers = latent.get("batch_index")
    sigmas = comfy.samplers.KSampler(
        model, steps, model.load_device, "euler_ancestral", scheduler, denoise, model.model_options
    ).sigmas
    sampler = replace(sampler, numbers=numbers, report_to=reports.append)
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


def filled_latent(model, latent: dict) -> tuple[Tensor, dict]:
    """The latent to begin with, in the model's shape, and the LATENT without what was asked for that.

    Newer hosts' empty latents say for which scale they were made, and the host fits them to the model's.
    """
    fit = comfy.sample.fix_empty_latent_channels
    asked = [name for name in DOWNSCALE_RATIOS if name in signature(fit).parameters]
    samples = fit(model, latent["samples"], **{name: latent.get(name) for name in asked})
    return samples, {name: value for name, value in latent.items() if name not in asked}
