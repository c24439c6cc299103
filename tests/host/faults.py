"""A pack for the tests: a run in which something goes wrong once, at a chosen place, and what is left after it."""

import contextlib
import copy
import functools
import gc
import hashlib
import json
from dataclasses import dataclass, replace
from typing import ClassVar

import comfy.cli_args
import comfy.model_management
import comfy.utils
import torch
from comfy_api.latest import ComfyExtension, io

KINDS = ["none", "exception", "out of memory", "NaN", "interrupt", "cancel"]
STAGES = ["denoiser", "callback", "decode", "loss", "loss gradient", "gradient"]
LOSSES = "dsg_losses"  # the pack's key in a conditioning's dict


@dataclass(slots=True)
class Fault:
    """Goes off once, in a stage of a step; NaN as often as that step comes there.

    Steps are told by the noise levels that the denoiser is asked for, since each begins with a call of it. Its slots
    hide it from the replay of patches, which would have it go off again.

    Attributes:
        kind: one of `KINDS`. An interrupt is thrown on the spot, as the host's layers do; a cancel sets the host's flag
            and leaves it to the host.
        stage: one of `STAGES`.
        step: counted from 0.
        level: the noise level of the step that is under way.
        passes: of the denoiser in that step.
        fired: whether it went off.
    """

    kind: str
    stage: str
    step: int
    under_way: int = -1
    level: float | None = None
    passes: int = 0
    fired: bool = False

    last: ClassVar["Fault | None"] = None

    def denoise(self, level: float) -> None:
        if level != self.level:
            self.level, self.passes, self.under_way = level, 0, self.under_way + 1
        self.passes += 1

    def reach(self, stage: str, value: torch.Tensor | None = None) -> torch.Tensor | None:
        """What becomes of a stage's value."""
        over = self.fired and self.kind != "NaN"
        if over or self.kind == "none" or (stage, self.under_way) != (self.stage, self.step):
            return value
        self.fired = True
        if self.kind == "exception":
            raise RuntimeError("something went wrong")
        if self.kind == "out of memory":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        if self.kind == "NaN":
            return None if value is None else value * float("nan")
        comfy.model_management.interrupt_current_processing()
        if self.kind == "interrupt":
            comfy.model_management.throw_exception_if_processing_interrupted()
        return value


class OnTheWayBack(torch.autograd.Function):
    """The same values; the fault meets their gradient."""

    @staticmethod
    def forward(ctx, values, fault, stage):
        ctx.fault, ctx.stage = fault, stage
        return values.view_as(values)

    @staticmethod
    def backward(ctx, gradient):
        return ctx.fault.reach(ctx.stage, gradient), None, None


def faulty_model(model, fault: Fault):
    def call(apply_model, args):
        fault.denoise(float(args["timestep"].flatten()[0]))
        estimate = fault.reach("denoiser", apply_model(args["input"], args["timestep"], **args["c"]))
        if estimate.requires_grad:
            return OnTheWayBack.apply(estimate, fault, "gradient")
        return fault.reach("gradient", estimate) if fault.passes > 1 else estimate

    model = model.clone()
    model.set_model_unet_function_wrapper(call)
    return model


def faulty_vae(vae, fault: Fault):
    faulty = copy.copy(vae)
    faulty.first_stage_model = copy.copy(vae.first_stage_model)
    whole = vae.first_stage_model.decode
    faulty.first_stage_model.decode = lambda latent, *args, **kwargs: fault.reach(
        "decode", whole(latent, *args, **kwargs)
    )
    return faulty


def faulty_loss(applied, fault: Fault):
    """The applied loss, of the same class but for what it fits."""
    kind = type(applied.loss)

    def fit(self, *args):
        value = kind.fit(self, *args)
        return lambda images: OnTheWayBack.apply(fault.reach("loss", value(images)), fault, "loss gradient")

    loss = copy.copy(applied.loss)
    object.__setattr__(loss, "__class__", type(kind.__name__, (kind,), {"fit": fit}))
    return replace(applied, loss=loss)


def watch_callback() -> None:
    """Have the host's progress, which each step's callback reports, meet the last fault first."""
    hook = comfy.utils.PROGRESS_BAR_HOOK
    if hasattr(hook, "__wrapped__"):
        return

    @functools.wraps(hook)
    def watched(*args, **kwargs):
        if Fault.last is not None:
            Fault.last.reach("callback")
        return hook(*args, **kwargs)

    comfy.utils.set_progress_bar_global_hook(watched)


def networks(model, vae, conditioning) -> list[torch.nn.Module]:
    patchers = [patcher for _, options in conditioning for patcher in options.get("additional_models", [])]
    roots = [model.model, vae.first_stage_model, *(patcher.model for patcher in patchers)]
    return list(dict.fromkeys(roots))


def state(model, vae, conditioning) -> dict:
    """All that a run must leave as it was: weights, flags, forwards, hooks, patches, and the switches of host and
    PyTorch."""
    weights, parts = hashlib.sha256(), hashlib.sha256()
    for root in networks(model, vae, conditioning):
        for name, weight in (*root.named_parameters(), *root.named_buffers()):
            weights.update(f"{name} {weight.dtype} {weight.requires_grad} {weight.grad is None}".encode())
            weights.update(weight.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        for name, part in root.named_modules():
            hooks = [len(getattr(part, kind)) for kind in HOOKS]
            parts.update(f"{name} {'forward' in vars(part)} {part.training} {hooks}".encode())
    switches = [getattr(place, name, None) for place, name in SWITCHES]
    switches += [torch.is_inference_mode_enabled(), torch.is_grad_enabled()]
    switches += [torch._C._autograd._top_saved_tensors_default_hooks(True), torch._C._len_torch_dispatch_stack()]
    return {
        "weights": weights.hexdigest(),
        "parts": parts.hexdigest(),
        "options": f"{model.model_options} {vars(vae).keys()}",
        "patches": [len(model.patches), len(model.hook_patches), len(model.object_patches), len(model.wrappers)],
        "switches": repr(switches),
    }


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
SWITCHES = (
    (comfy.model_management, "in_training"),
    (comfy.model_management, "NUM_STREAMS"),
    (comfy.cli_args.args, "disable_comfy_compiler"),
)


def live_tensors() -> dict:
    """Those made since the last `freeze`, each storage once."""
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if isinstance(thing, torch.Tensor)]
    sizes = {}
    for tensor in tensors:
        with contextlib.suppress(RuntimeError, NotImplementedError):  # a tensor without a storage
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return {"bytes": sum(sizes.values())}


class FaultyRun(io.ComfyNode):
    """A model, VAE and conditioning with a fault, and what this node found left of the run before.

    With `freeze`, what there is now counts no more as left.
    """

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), io.Vae.Input("vae"), io.Conditioning.Input("positive")]
        inputs += [io.Combo.Input("kind", options=KINDS), io.Combo.Input("stage", options=STAGES)]
        inputs += [io.Int.Input("step", min=0, max=100), io.Boolean.Input("freeze")]
        outputs = [io.Model.Output("faulty_model"), io.Vae.Output("faulty_vae"), io.Conditioning.Output("conditioning")]
        return io.Schema("Test_FaultyRun", "", "test", inputs=inputs, outputs=[*outputs, io.String.Output("found")])

    @classmethod
    def fingerprint_inputs(cls, **_inputs):
        return float("nan")  # never cached: each run has a fault of its own

    @classmethod
    def execute(cls, model, vae, positive, kind, stage, step, freeze):
        fired, Fault.last = Fault.last is not None and Fault.last.fired, None
        found = {"fired": fired, "state": state(model, vae, positive)} | live_tensors()
        if freeze:
            gc.freeze()
        Fault.last = fault = Fault(kind, stage, step)
        watch_callback()
        carried = [
            [tensor, options | {LOSSES: tuple(faulty_loss(applied, fault) for applied in options.get(LOSSES, ()))}]
            for tensor, options in positive
        ]
        return io.NodeOutput(faulty_model(model, fault), faulty_vae(vae, fault), carried, json.dumps(found))


class Faults(ComfyExtension):
    async def get_node_list(self):
        return [FaultyRun]


async def comfy_entrypoint():
    return Faults()
