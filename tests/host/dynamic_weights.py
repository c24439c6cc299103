"""A pack for the tests that imitates dynamic patchers (comfy-aimdo, NVIDIA cards) on a CPU, in hosts with and without.

An imitation, as narrow as can be. Where the host has `ModelPatcherDynamic`, that keeps the books; where it has not, its
plain patcher does. What a GPU does is imitated: a layer that no patcher has loaded is refused, as one whose weights lie
on another device. A weight that is fetched for a layer lies in memory that others use once the layer has given it back,
so that autograd finds NaN there. And there is no plain variant to be had.
"""

import copy
import gc

import comfy.model_patcher
import comfy.ops
import torch
from comfy_api.latest import ComfyExtension, io

HOSTS_OWN = getattr(comfy.model_patcher, "ModelPatcherDynamic", None)
LENT: dict[tuple, torch.Tensor] = {}  # memory for fetched weights, by shape
IN_USE: list[torch.Tensor] = []
plain_cast, plain_uncast = comfy.ops.cast_bias_weight, comfy.ops.uncast_bias_weight


class HostBuffer:
    """Pinned memory, of which a CPU has none."""

    size = 0

    def __init__(self, *args, **kwargs):
        pass

    def truncate(self, *args, **kwargs):
        pass


if HOSTS_OWN:
    comfy.model_patcher.comfy_aimdo.host_buffer.HostBuffer = HostBuffer


def casting_layers(model: torch.nn.Module) -> list[torch.nn.Module]:
    return [layer for layer in model.modules() if hasattr(layer, "comfy_cast_weights")]


def refuse_unloaded(layer: torch.nn.Module, args: tuple) -> None:
    if not layer.lent:
        raise RuntimeError("Expected all tensors to be on the same device, but found one on cpu (imitated)")


def lend(weight: torch.Tensor | None, kind: str) -> torch.Tensor | None:
    """A copy of the weight in memory that is used again and again, written behind autograd's back."""
    if weight is None:
        return None
    place = kind, tuple(weight.shape), weight.dtype
    with torch.inference_mode(False):
        if place not in LENT:
            LENT[place] = torch.empty_like(weight)
        LENT[place].data.copy_(weight.data)
    IN_USE.append(LENT[place])
    return LENT[place]


def cast_bias_weight(layer, *args, **kwargs):
    fetched = plain_cast(layer, *args, **kwargs)
    if not getattr(layer, "lent", False):
        return fetched
    give_back()
    return lend(fetched[0], "weight"), lend(fetched[1], "bias"), *fetched[2:]


def give_back() -> None:
    """From here on the memory is another's."""
    while IN_USE:
        IN_USE.pop().data.fill_(float("nan"))


def uncast_bias_weight(layer, *args, **kwargs):
    plain_uncast(layer, *args, **kwargs)
    if getattr(layer, "lent", False):
        give_back()


comfy.ops.cast_bias_weight = cast_bias_weight
comfy.ops.uncast_bias_weight = uncast_bias_weight


class DynamicPatcher(HOSTS_OWN or comfy.model_patcher.ModelPatcher):
    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)  # the host's own gives a plain one on a CPU

    def __init__(self, model, *args, **kwargs):
        super().__init__(model, *args, **kwargs)
        for layer in casting_layers(model):
            if not hasattr(layer, "lent"):
                layer.lent = False
                layer.register_forward_pre_hook(refuse_unloaded)

    def is_dynamic(self):
        return True

    def load(self, *args, **kwargs):
        super().load(*args, **kwargs)
        for layer in casting_layers(self.model):
            layer.lent = layer.comfy_cast_weights = True

    def detach(self, unpatch_all=True):
        if unpatch_all:  # otherwise another patcher of the same network takes over
            for layer in casting_layers(self.model):
                layer.lent = False
        return super().detach(unpatch_all)

    def get_non_dynamic_delegate(self):
        raise RuntimeError("Cannot create non-dynamic delegate: cached_patcher_init is not initialized.")

    def clone(self, *args, disable_dynamic=False, **kwargs):
        return self.get_non_dynamic_delegate() if disable_dynamic else super().clone(*args, **kwargs)

    if HOSTS_OWN:

        def partially_unload(self, device_to, memory_to_free=0, force_patch_weights=False):
            return self.restore_loaded_backups()

        def partially_unload_ram(self, *args, **kwargs):
            return 0

    def __del__(self):
        pass


def dynamic(patcher):
    """Of the same weights in a network of its own: none is ever lent and plain at a time."""
    config = getattr(patcher.model, "model_config", None)  # which newer hosts' cannot be copied
    network = copy.deepcopy(patcher.model, {id(config): config})
    return DynamicPatcher(network, patcher.load_device, patcher.offload_device)


class DynamicModel(io.ComfyNode):
    """Models with the same networks under dynamic patchers, as a newer host's own loaders give them."""

    @classmethod
    def define_schema(cls):
        inputs = [
            io.Model.Input("model", optional=True),
            io.Vae.Input("vae", optional=True),
            io.ClipVision.Input("clip_vision", optional=True),
        ]
        outputs = [io.Model.Output("out_model"), io.Vae.Output("out_vae"), io.ClipVision.Output("out_clip_vision")]
        return io.Schema("Test_DynamicWeights", category="test", inputs=inputs, outputs=outputs)

    @classmethod
    def execute(cls, model=None, vae=None, clip_vision=None):
        if model is not None:
            options, model = model.model_options, dynamic(model)
            model.model_options = options
        vae, clip_vision = copy.copy(vae), copy.copy(clip_vision)
        if vae is not None:
            vae.patcher = dynamic(vae.patcher)
            vae.first_stage_model = vae.patcher.model
        if clip_vision is not None:
            clip_vision.patcher = dynamic(clip_vision.patcher)
            clip_vision.model = clip_vision.patcher.model
        return io.NodeOutput(model, vae, clip_vision)


class LiveWeights(io.ComfyNode):
    """The bytes of all weights that are alive in the host's process."""

    @classmethod
    def define_schema(cls):
        return io.Schema("Test_LiveWeights", category="test", is_output_node=True)

    @classmethod
    def fingerprint_inputs(cls, **_inputs):
        return float("nan")  # never cached

    @classmethod
    def execute(cls):
        gc.collect()
        alive = [thing for thing in gc.get_objects() if isinstance(thing, torch.nn.Parameter)]
        return io.NodeOutput(ui={"text": [str(sum(weight.numel() * weight.element_size() for weight in alive))]})


class DynamicWeights(ComfyExtension):
    async def get_node_list(self):
        return [DynamicModel, LiveWeights]


async def comfy_entrypoint():
    return DynamicWeights()
