"""A pack for the tests: quantized and compiled models, attention without a backward pass, and little memory."""

import copy
import hashlib
import json
import logging
import unittest.mock

import comfy.cli_args
import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.utils
import torch
from comfy.patcher_extension import WrappersMP
from comfy_api.latest import ComfyExtension, io
from comfy_api.torch_helpers import set_torch_compile_wrapper
from torch._dynamo import lookup_backend
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

FLOAT8 = torch.float8_e4m3fn


def scaled(weights: dict, layers: list[str], scale_name: str) -> dict:
    """The weights with those of these layers in eight bits, each with its scale beside it."""
    changed = dict(weights)
    for layer in layers:
        weight = weights[f"{layer}.weight"]
        scale = weight.abs().amax() / torch.finfo(FLOAT8).max
        changed |= {f"{layer}.weight": (weight / scale).to(FLOAT8), f"{layer}.{scale_name}": scale}
    return changed


def prepared(config, weights: dict, layers: dict, by_layer: bool) -> dict:
    """The weights as this host's loader has them ready, with its marks for their eight bits on the configuration.

    Args:
        layers: the format of each layer in eight bits, as a file's `_quantization_metadata` has them.
        by_layer: whether it is a file with those; else one with `scaled_fp8`.
    """
    if hasattr(comfy.utils, "convert_old_quants"):  # newer hosts make one of both kinds of file
        metadata = {"_quantization_metadata": json.dumps({"layers": layers})} if by_layer else {}
        marker = {} if by_layer else {"scaled_fp8": torch.zeros(2, dtype=FLOAT8)}
        weights, _ = comfy.utils.convert_old_quants(weights | marker, "", metadata)
        config.quant_config = comfy.utils.detect_layer_quantization(weights, "")
    elif by_layer:
        config.layer_quant_config = layers
    else:
        config.scaled_fp8 = FLOAT8
    return weights


class QuantizedModel(io.ComfyNode):
    """The same network with its weights in eight bits, set up as the host's loader does for such a file.

    stored: `weight_dtype` fp8_e4m3fn; multiplied: what the host takes where a GPU has such products; scaled: a file
    with `scaled_fp8`; mixed: a file with `_quantization_metadata`; mixed, multiplied: the same on such a GPU.
    """

    @classmethod
    def define_schema(cls):
        kinds = ["stored", "multiplied", "scaled"]
        if hasattr(comfy.ops, "mixed_precision_ops"):
            kinds += ["mixed", "mixed, multiplied"]
        inputs = [io.Model.Input("model"), io.Combo.Input("kind", options=kinds)]
        return io.Schema("Test_QuantizedModel", category="test", inputs=inputs, outputs=[io.Model.Output("quantized")])

    @classmethod
    def execute(cls, model, kind):
        network, config = model.model.diffusion_model, model.model.model_config
        weights = network.state_dict()
        layers = [name for name, part in network.named_modules() if isinstance(part, torch.nn.Linear)]
        formats = {layer: {"format": "float8_e4m3fn"} for layer in layers}
        config = type(config)(config.unet_config, config.prediction)
        config.set_inference_dtype(FLOAT8 if kind in ("stored", "multiplied") else torch.float32, torch.float32)
        if kind == "multiplied":
            config.custom_operations = comfy.ops.fp8_ops
        if kind == "scaled":
            weights = prepared(config, scaled(weights, layers, "scale_weight"), formats, by_layer=False)
        if kind.startswith("mixed"):
            weights = prepared(config, scaled(weights, layers, "weight_scale"), formats, by_layer=True)
        if kind == "mixed, multiplied":
            weights |= {f"{layer}.input_scale": torch.tensor(0.1) for layer in layers}
            config.custom_operations = comfy.ops.mixed_precision_ops(formats, torch.float32)
        quantized = config.get_model(weights)
        quantized.load_model_weights(weights)
        return io.NodeOutput(comfy.model_patcher.ModelPatcher(quantized, model.load_device, model.offload_device))


def compile_and_log(graph, inputs):
    """The backend "aot_eager": all of torch.compile but the generation of code, which takes minutes on a CPU."""
    logging.info("a graph is compiled")
    return lookup_backend("aot_eager")(graph, inputs)


class CompiledModel(io.ComfyNode):
    """What the host's TorchCompileModel node makes, with another backend."""

    @classmethod
    def define_schema(cls):
        inputs, outputs = [io.Model.Input("model")], [io.Model.Output("compiled")]
        return io.Schema("Test_CompiledModel", category="test", inputs=inputs, outputs=outputs)

    @classmethod
    def execute(cls, model):
        model = model.clone()
        set_torch_compile_wrapper(model, compile_and_log)
        return io.NodeOutput(model)


@torch.library.custom_op("dsg_test::forward_only_attention", mutates_args=())
def forward_only_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Rounds its inputs and has no backward pass, as the kernels of SageAttention."""
    q, k, v = (tensor.bfloat16() for tensor in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v).float()


def attend(q, k, v, heads: int):
    q, k, v = (tensor.unflatten(-1, (heads, -1)).transpose(1, 2) for tensor in (q, k, v))
    return forward_only_attention(q, k, v).transpose(1, 2).flatten(2)


class ForwardOnlyAttention(io.ComfyNode):
    """A model whose attention has no backward pass: all of it by the host's override, or one layer's by a patch."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), io.Combo.Input("place", options=["override", "patch"])]
        return io.Schema(
            "Test_ForwardOnlyAttention", category="test", inputs=inputs, outputs=[io.Model.Output("patched")]
        )

    @classmethod
    def execute(cls, model, place):
        model = model.clone()
        if place == "override":
            options = model.model_options["transformer_options"]
            options["optimized_attention_override"] = lambda _chosen, q, k, v, heads, **_: attend(q, k, v, heads)
        else:
            model.set_model_attn1_replace(lambda q, k, v, options: attend(q, k, v, options["n_heads"]), "middle", 0)
        return io.NodeOutput(model)


class Allocations(TorchDispatchMode):
    """Counts the operations that make a new tensor, above a mere number; there is no memory for number `failing`."""

    def __init__(self, failing: int):
        super().__init__()
        self.failing, self.count = failing, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        new = any(result.alias_info is None for result in func._schema.returns)  # neither a view nor in place
        if new and any(isinstance(leaf, torch.Tensor) and leaf.numel() >= 1000 for leaf in tree_leaves(made)):
            self.count += 1
            if self.count == self.failing:
                raise comfy.model_management.OOM_EXCEPTION("CUDA out of memory")
        return made


class LittleMemory(io.ComfyNode):
    """A model whose run finds no memory for one tensor. A run that ends logs how many it made."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), io.Int.Input("failing", min=0, max=10**9)]
        return io.Schema("Test_LittleMemory", category="test", inputs=inputs, outputs=[io.Model.Output("limited")])

    @classmethod
    def execute(cls, model, failing):
        def sample(executor, *args, **kwargs):
            with Allocations(failing) as allocations:
                finished = executor(*args, **kwargs)
            logging.info("tensors made: %d", allocations.count)
            return finished

        model = model.clone()
        model.add_wrapper(WrappersMP.SAMPLER_SAMPLE, sample)
        return io.NodeOutput(model)


class BusyDevice(io.ComfyNode):
    """A model whose run finds so much free memory on the device, beyond what the host keeps for itself."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), io.Float.Input("megabytes", max=1e6)]
        return io.Schema("Test_BusyDevice", category="test", inputs=inputs, outputs=[io.Model.Output("limited")])

    @classmethod
    def execute(cls, model, megabytes):
        def sample(executor, *args, **kwargs):
            management = comfy.model_management
            free = management.minimum_inference_memory() + megabytes * 2**20

            def free_memory(_device=None, torch_free_too=False):
                return (free, free) if torch_free_too else free

            with unittest.mock.patch.object(management, "get_free_memory", free_memory):
                return executor(*args, **kwargs)

        model = model.clone()
        model.add_wrapper(WrappersMP.SAMPLER_SAMPLE, sample)
        return io.NodeOutput(model)


class SmallDecoder(io.ComfyNode):
    """A VAE that finds no memory for a gradient of pictures larger than 64×64."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            "Test_SmallDecoder", category="test", inputs=[io.Vae.Input("vae")], outputs=[io.Vae.Output("small")]
        )

    @classmethod
    def execute(cls, vae):
        small = copy.copy(vae)
        small.first_stage_model = copy.copy(vae.first_stage_model)
        whole = vae.first_stage_model.decode

        def decode(latent, *args, **kwargs):
            if torch.is_grad_enabled() and max(latent.shape[-2:]) > 32:
                raise comfy.model_management.OOM_EXCEPTION("CUDA out of memory")
            return whole(latent, *args, **kwargs)

        small.first_stage_model.decode = decode
        return io.NodeOutput(small)


class Traces(io.ComfyNode):
    """All that a guided run changes for a while: weights, gradient flags, forwards, hooks and the host's switches."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), io.Vae.Input("vae")]
        return io.Schema("Test_Traces", category="test", inputs=inputs, is_output_node=True)

    @classmethod
    def fingerprint_inputs(cls, **_inputs):
        return float("nan")  # never cached

    @classmethod
    def execute(cls, model, vae):
        weights, parts = hashlib.sha256(), []
        for root in (model.model, vae.first_stage_model):
            for name, weight in root.named_parameters():
                weights.update(f"{name} {weight.dtype} {weight.requires_grad}".encode())
                weights.update(weight.detach().view(torch.uint8).numpy().tobytes())
            for name, part in root.named_modules():
                parts.append((name, "forward" in vars(part), part.training, len(part._forward_hooks)))
        switches = [
            getattr(place, name, None)
            for place, name in (
                (comfy.model_management, "in_training"),
                (comfy.model_management, "NUM_STREAMS"),
                (comfy.cli_args.args, "disable_comfy_compiler"),
            )
        ]
        modes = [torch.is_inference_mode_enabled(), torch.is_grad_enabled()]
        traces = {"weights": weights.hexdigest(), "parts": parts, "switches": switches, "modes": modes}
        return io.NodeOutput(ui={"text": [json.dumps(traces | {"options": repr(model.model_options)})]})


class OddModels(ComfyExtension):
    async def get_node_list(self):
        return [
            QuantizedModel,
            CompiledModel,
            ForwardOnlyAttention,
            LittleMemory,
            BusyDevice,
            SmallDecoder,
            Traces,
        ]


async def comfy_entrypoint():
    return OddModels()
