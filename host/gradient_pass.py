"""What the host needs for passes that go backward, in the order in which it is needed.

1. Before the run: all its models are loaded, and what they have fetched already is fetched anew (`loaded_patchers`).
2. For the span of the run: no inference tensors, no gradients for weights, the host's own switches for training, and
   layers with lent weights called again on the way back (`gradients_possible`).
3. For each call: an attention that has a backward pass, and no tensor overwritten that autograd has saved
   (`for_gradient`); no compiled code where modules are changed (`without_compilation`).

Nothing here asks which version the host has: what a host does not know is left out.
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import comfy.cli_args
import comfy.ldm.modules.attention
import comfy.model_management
import comfy.patcher_extension
import torch
from torch import Tensor, nn

from ..sampling import Denoisers
from ..sampling.differentiation.checkpointing import calling_again, checkpointing
from ..sampling.differentiation.memory import Memory
from ..sampling.differentiation.replay import Again, all_again, random_numbers
from .inference_tensors import replace_inference_attributes, replace_inference_conds, replace_inference_tensors
from .lent_weights import fetch_anew, hooked_layers, lent_layers, remember_hooks
from .patches import ordinary_networks, remember_patches
from .remarks import Remarks

COMPILED = "torch.compile"  # the host's key for the wrapper that its compiled models have


def obstacle(guider: Any) -> str | None:
    """Why this guider's model cannot go backward, if it can be seen before the run."""
    if "multigpu_clones" in guider.model_options:
        return "a model that is spread over several GPUs has no gradient"
    return None


def loaded_patchers(guider: Any, decoders: list) -> list:
    """The host's handles on all networks of a run, those of the losses' decoder among them, each once, now loaded."""
    patchers = list(dict.fromkeys([guider.model_patcher, *guider.loaded_models, *decoders]))
    if not set(decoders) <= set(guider.loaded_models):  # the host's custom sampling nodes know nothing of our VAE
        comfy.model_management.load_models_gpu(patchers)
    patchers = list(dict.fromkeys([*patchers, *guider.model_patcher.model_patches_models()]))
    for patcher in patchers:
        fetch_anew(patcher)
    return patchers


@contextlib.contextmanager
def gradients_possible(model: Any, patchers: list, extra_args: dict, device: torch.device) -> Iterator[None]:
    """Within this span, passes through the run's networks can go backward.

    Args:
        model: what the host gives a sampler.
        patchers: from `loaded_patchers`.
        extra_args: what the host gives a sampler for each call.
        device: of the latents.
    """
    guider = model.inner_model
    patcher, conds = guider.model_patcher, guider.conds
    lent = [layer for each in patchers for layer in lent_layers(each, device)]
    lent = list(dict.fromkeys([*lent, *hooked_layers(patcher, conds)]))
    modules = [each.model for each in patchers if isinstance(each.model, nn.Module)]
    with torch.inference_mode(False):
        modules += ordinary_networks(extra_args.get("model_options", {}))
        for module in modules:
            replace_inference_tensors(module, device)
        replace_inference_attributes(guider.inner_model.latent_format)
        replace_inference_attributes(model)
        replace_inference_conds(conds)
        with frozen(modules), training_switches(), calling_again(lent, partial(remember_hooks, patcher)):
            yield


def denoisers(model: Any, extra_args: dict, device: torch.device, memory: Memory, remarks: Remarks) -> Denoisers:
    """The variants of the host's denoiser; see `gradients_possible` for the arguments.

    Args:
        memory: that a gradient may take.
        remarks: where the user is told what they should know.
    """
    guider = model.inner_model
    base = guider.inner_model
    options = for_gradient(extra_args.get("model_options", {}))
    guided_args = extra_args | {"model_options": options}
    uncompiled_args = extra_args | {"model_options": without_compilation(options)}

    def remember() -> Again:
        return all_again(random_numbers(device), remember_patches(options), remember_hooks(guider.model_patcher))

    def plain(latent: Tensor, sigma: Tensor) -> Tensor:
        return model(latent, sigma, **extra_args)

    def differentiable(latent: Tensor, sigma: Tensor) -> Tensor:
        return model(latent, sigma, **guided_args)

    def checkpointed(latent: Tensor, sigma: Tensor) -> Tensor:
        with checkpointing(base.diffusion_model, remember):
            return model(latent, sigma, **uncompiled_args)

    precision = base.manual_cast_dtype or base.get_dtype()
    return Denoisers(plain, differentiable, checkpointed, precision, memory, remember, remarks.tell)


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


def _pytorch_attention(_chosen: Any, *args: Any, **kwargs: Any) -> Tensor:
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
