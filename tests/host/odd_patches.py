"""A pack for the tests: patches of models that draw random numbers, count passes, and hold networks."""

import os

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import torch
from comfy_api.latest import ComfyExtension, io
from comfy_extras.nodes_hypernetwork import load_hypernetwork_patch


def patching_node(node_id: str, patch, *inputs) -> type[io.ComfyNode]:
    """A node that clones a model and patches it."""

    class Node(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            outputs = [io.Model.Output("patched")]
            return io.Schema(node_id, category="test", inputs=[io.Model.Input("model"), *inputs], outputs=outputs)

        @classmethod
        def fingerprint_inputs(cls, **_inputs):
            return float("nan")  # never cached: what a patch remembers is of one run

        @classmethod
        def execute(cls, model, **settings):
            model = model.clone()
            patch(model, **settings)
            return io.NodeOutput(model)

    return Node


def add_random(model, from_outside: bool) -> None:
    """Each pass multiplies by another random picture, of numbers by PyTorch or by the operating system."""

    def call(apply_model, args):
        if from_outside:
            generator = torch.Generator().manual_seed(int.from_bytes(os.urandom(7), "little"))
            factor = 1 + torch.randn(args["input"].shape, generator=generator)
        else:
            factor = 1 + 0.5 * torch.randn(args["input"].shape)
        return apply_model(args["input"] * factor.to(args["input"]), args["timestep"], **args["c"])

    model.set_model_unet_function_wrapper(call)


class Counter:
    """Every other pass is another one."""

    def __init__(self) -> None:
        self.passes = 0
        self.last: list[torch.Tensor] = []

    def __call__(self, apply_model, args):
        self.passes += 1
        estimate = apply_model(args["input"], args["timestep"], **args["c"])
        average = 0.5 * (estimate + self.last[-1]) if self.last else estimate
        self.last = [estimate]
        return average if self.passes % 2 else estimate


def add_hypernetwork(model) -> None:
    """The host's own, from numbers in place of a file."""
    generator = torch.Generator().manual_seed(0)

    def linear(width: int) -> dict:
        weight = torch.randn(width, width, generator=generator) * 0.1 / width**0.5
        return {"linear.0.weight": weight, "linear.0.bias": torch.zeros(width)}

    widths = {part.in_features for part in model.model.modules() if isinstance(part, torch.nn.Linear)}
    contents = {width: [linear(width), linear(width)] for width in widths}
    load, comfy.utils.load_torch_file = comfy.utils.load_torch_file, lambda *args, **kwargs: contents
    try:
        patch = load_hypernetwork_patch("", 1.0)
    finally:
        comfy.utils.load_torch_file = load
    model.set_model_attn1_patch(patch)
    model.set_model_attn2_patch(patch)


class Small(torch.nn.Module):
    """A layer, as part of a network."""

    def __init__(self):
        super().__init__()
        self.layer = comfy.ops.manual_cast.Linear(32, 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class NetworkPatch:
    """A small network behind `models()`, and a picture beside it; it changes what a block gives in place."""

    def __init__(self, network: torch.nn.Module, factor: torch.Tensor):
        devices = comfy.model_management.get_torch_device(), comfy.model_management.unet_offload_device()
        self.patcher = comfy.model_patcher.ModelPatcher(network, *devices)
        self.factor = factor

    def models(self) -> list:
        return [self.patcher]

    def __call__(self, hidden, skip, options):
        width = self.patcher.model.layer.in_features
        if hidden.shape[1] >= width:
            hidden[:, :width] += self.patcher.model(hidden[:, :width].movedim(1, -1)).movedim(-1, 1) * self.factor
        return hidden, skip

    def to(self, device_or_dtype):
        return self


def add_network(model) -> None:
    network = Small()
    network.layer.weight.copy_(torch.randn(32, 32, generator=torch.Generator().manual_seed(0)) * 0.05)
    network.layer.bias.zero_()
    model.set_model_output_block_patch(NetworkPatch(network, torch.full((1,), 0.5)))


class Sigmas(io.ComfyNode):
    """Noise levels as they are written."""

    @classmethod
    def define_schema(cls):
        inputs, outputs = [io.String.Input("values")], [io.Sigmas.Output("sigmas")]
        return io.Schema("Test_Sigmas", category="test", inputs=inputs, outputs=outputs)

    @classmethod
    def execute(cls, values):
        return io.NodeOutput(torch.tensor([float(value) for value in values.split(",")]))


class ScaledLatent(io.ComfyNode):
    """An empty latent of one channel for eight pixels each way, as newer hosts make them."""

    @classmethod
    def define_schema(cls):
        return io.Schema("Test_ScaledLatent", category="test", outputs=[io.Latent.Output("latent")])

    @classmethod
    def execute(cls):
        scales = {"downscale_ratio_spacial": 8, "downscale_ratio_temporal": 4}
        return io.NodeOutput({"samples": torch.zeros(1, 4, 8, 8), "made_by": "a test"} | scales)


class LatentKeys(io.ComfyNode):
    """What a LATENT has beside its numbers, and their shape."""

    @classmethod
    def define_schema(cls):
        return io.Schema("Test_LatentKeys", category="test", inputs=[io.Latent.Input("latent")], is_output_node=True)

    @classmethod
    def execute(cls, latent):
        return io.NodeOutput(ui={"text": [f"{sorted(latent)} {tuple(latent['samples'].shape)}"]})


class OddPatches(ComfyExtension):
    async def get_node_list(self):
        return [
            patching_node("Test_RandomPatch", add_random, io.Boolean.Input("from_outside")),
            patching_node("Test_CountingPatch", lambda model: model.set_model_unet_function_wrapper(Counter())),
            patching_node("Test_Hypernetwork", add_hypernetwork),
            patching_node("Test_PatchNetwork", add_network),
            Sigmas,
            ScaledLatent,
            LatentKeys,
        ]


async def comfy_entrypoint():
    return OddPatches()
