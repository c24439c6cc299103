"""A pack for the tests: inputs that no user should make, and what the tests must see of the host from inside."""

import hashlib
import itertools
import json
import logging
import math
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import comfy.clip_vision
import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.utils
import folder_paths
import numpy as np
import torch
from comfy.cldm.cldm import ControlNet as ControlNetModel
from comfy.controlnet import ControlNet
from comfy_api.latest import ComfyExtension, io
from comfy_execution.graph_utils import GraphBuilder


def nested():
    from comfy.nested_tensor import NestedTensor  # older hosts have none

    return NestedTensor([torch.zeros(1, 12, 32, 32), torch.zeros(1, 8, 64)])


AnyLatent = {
    "picture": lambda: torch.zeros(1, 12, 32, 32),
    "two pictures": lambda: torch.zeros(2, 12, 32, 32),
    "audio": lambda: torch.zeros(1, 64, 256),
    "nested": nested,
}


class OddLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        kinds = io.Combo.Input("kind", options=list(AnyLatent))
        return io.Schema("Test_OddLatent", category="test", inputs=[kinds], outputs=[io.Latent.Output("latent")])

    @classmethod
    def execute(cls, kind):
        return io.NodeOutput({"samples": AnyLatent[kind]()})


class RolledLatent(io.ComfyNode):
    """A latent, rolled over its border by so many of its places."""

    @classmethod
    def define_schema(cls):
        shifts = [io.Int.Input("down"), io.Int.Input("right")]
        inputs, outputs = [io.Latent.Input("latent"), *shifts], [io.Latent.Output("rolled")]
        return io.Schema("Test_RolledLatent", category="test", inputs=inputs, outputs=outputs)

    @classmethod
    def execute(cls, latent, down, right):
        return io.NodeOutput({"samples": latent["samples"].roll((down, right), (-2, -1))})


class OddPicture(io.ComfyNode):
    """A picture and mask with one value that is not finite."""

    @classmethod
    def define_schema(cls):
        value = io.Combo.Input("value", options=["nan", "inf"])
        outputs = [io.Image.Output("image"), io.Mask.Output("mask")]
        return io.Schema("Test_OddPicture", category="test", inputs=[value], outputs=outputs)

    @classmethod
    def execute(cls, value):
        image, mask = torch.zeros(1, 64, 64, 3), torch.zeros(1, 64, 64)
        image[0, 5, 5, 0] = mask[0, 5, 5] = float(value)
        return io.NodeOutput(image, mask)


ANY_PICTURES = {
    "without a batch": lambda face: face[0],
    "with alpha": lambda face: torch.cat([face, torch.rand_like(face[..., :1])], -1),
    "bytes": lambda face: (255 * face).round().to(torch.uint8),
    "double": lambda face: face.double(),
    "grey": lambda face: face.mean(-1, keepdim=True).expand(-1, -1, -1, 3),
    "one channel": lambda face: face.mean(-1, keepdim=True),
    "two channels": lambda face: torch.cat([face.mean(-1, keepdim=True), torch.rand_like(face[..., :1])], -1),
    "five channels": lambda face: torch.rand(1, 64, 64, 5),
    "no channels": lambda face: face.mean(-1),
    "channels first": lambda face: face.movedim(-1, 1),
    "a video": lambda face: face[None],
    "an empty batch": lambda face: face[:0],
    "no pixels": lambda face: face[:, :0],
    "large numbers": lambda face: (1000 * face).long(),
    "complex": lambda face: face.to(torch.complex64),
    "a list": lambda face: [face],
    "nothing": lambda face: None,
}
ANY_MASKS = {
    "plain": lambda mask: mask,
    "without a batch": lambda mask: mask[0],
    "channel first": lambda mask: mask[:, None],
    "channel last": lambda mask: mask[..., None],
    "bytes": lambda mask: (255 * mask).to(torch.uint8),
    "whole": lambda mask: mask.long(),
    "true and false": lambda mask: mask > 0.5,
    "a picture": lambda mask: mask[..., None].expand(-1, -1, -1, 3),
    "a line": lambda mask: mask[0, 0],
    "an empty batch": lambda mask: mask[:0],
    "a list": lambda mask: [mask],
    "nothing": lambda mask: None,
}


class AnyPicture(io.ComfyNode):
    """The picture in any layout that other packs' nodes give, and a mask, white on the left, in any."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Image.Input("image")]
        inputs += [
            io.Combo.Input("picture", options=list(ANY_PICTURES)),
            io.Combo.Input("mask", options=list(ANY_MASKS)),
        ]
        outputs = [io.Image.Output("made"), io.Mask.Output("made_mask")]
        return io.Schema("Test_AnyPicture", category="test", inputs=inputs, outputs=outputs)

    @classmethod
    def execute(cls, image, picture, mask):
        left = torch.zeros(image.shape[:3])
        left[..., : image.shape[2] // 2] = 1
        return io.NodeOutput(ANY_PICTURES[picture](image), ANY_MASKS[mask](left))


class AnyNumber(io.ComfyNode):
    """A number without limits."""

    @classmethod
    def define_schema(cls):
        outputs = [io.Float.Output("float"), io.Int.Output("int")]
        return io.Schema("Test_AnyNumber", category="test", inputs=[io.String.Input("value")], outputs=outputs)

    @classmethod
    def execute(cls, value):
        number = float(value)
        return io.NodeOutput(number, int(number) if number.is_integer() else number)


class Anything(io.ComfyNode):
    """NaN, for a socket of any type."""

    @classmethod
    def define_schema(cls):
        return io.Schema("Test_Anything", category="test", inputs=[], outputs=[io.AnyType.Output("anything")])

    @classmethod
    def execute(cls):
        return io.NodeOutput(math.nan)


def made(plan):
    """The value that a plan in JSON's terms describes; what is no plan is itself."""
    if isinstance(plan, list):
        return [made(part) for part in plan]
    if not isinstance(plan, dict):
        return plan
    if "shape" in plan:
        ends, dtype = plan["shape"], getattr(torch, plan["dtype"])
        fill = (
            torch.rand(ends).double() if plan["fill"] == "random" else torch.tensor(plan["fill"], dtype=torch.float64)
        )
        return fill.to(dtype).expand(ends)  # one number takes the memory of one, whatever the shape
    if "library" in plan:
        return {"array": np.zeros((2, 2)), "function": len, "class": dict, "module": torch.nn.Linear(2, 2)}[
            plan["library"]
        ]
    return {name: made(part) for name, part in plan.items()}


class MakeAnything(io.ComfyNode):
    """What a plan describes, for a socket of any type."""

    @classmethod
    def define_schema(cls):
        outputs = [io.AnyType.Output("anything")]
        return io.Schema("Test_MakeAnything", category="test", inputs=[io.String.Input("plan")], outputs=outputs)

    @classmethod
    def execute(cls, plan):
        return io.NodeOutput(made(json.loads(plan)))


def own_error(images):
    raise KeyError("weights\nof the loss")


OWN_LOSSES = {
    "good": lambda images: images.mean((1, 2, 3)).square(),
    "scalar": lambda images: images.mean().square(),
    "column": lambda images: images.mean((1, 2, 3))[:, None],
    "number": lambda images: images.mean().item(),
    "nothing": lambda images: None,
    "detached": lambda images: images.detach().mean((1, 2, 3)),
    "constant": lambda images: torch.ones(len(images), requires_grad=True) * 2,
    "whole": lambda images: images.mean((1, 2, 3)).long(),
    "NaN": lambda images: images.mean((1, 2, 3)) * math.nan,
    "in place": lambda images: images.exp().mul_(2).sqrt_().add_(1).log_().mean((1, 2, 3)),
    "its own error": own_error,
}


@dataclass(frozen=True, eq=False)
class OwnLoss:
    """Another pack's loss that computes one of these."""

    kind: str
    name: str

    def fit(self, batch, height, width, device):
        if self.kind == "fit":
            raise LookupError("no table")
        return OWN_LOSSES.get(self.kind)


class MakeOwnLoss(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        inputs = [io.Combo.Input("kind", options=[*OWN_LOSSES, "fit", "no function"]), io.String.Input("name")]
        outputs = [io.Custom("DSG_LOSS").Output("loss")]
        return io.Schema("Test_OwnLoss", category="test", inputs=inputs, outputs=outputs)

    @classmethod
    def execute(cls, kind, name):
        return io.NodeOutput(OwnLoss(kind, name))


@dataclass(frozen=True, eq=False)
class ImpossibleLoss:
    """Another pack's loss that no picture suits, or whose networks end in an error of a library's."""

    fails: str
    name: str = "impossible"

    def fit(self, batch, height, width, device):
        raise ValueError("no picture is good enough; ask for less.")

    @property
    def patchers(self):
        if self.fails == "patchers":
            raise ValueError("could not broadcast")
        return ()


class MakeImpossibleLoss(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        fails = io.Combo.Input("fails", options=["fit", "patchers"])
        outputs = [io.Custom("DSG_LOSS").Output("loss")]
        return io.Schema("Test_ImpossibleLoss", category="test", inputs=[fails], outputs=outputs)

    @classmethod
    def execute(cls, fails):
        return io.NodeOutput(ImpossibleLoss(fails))


@dataclass(frozen=True, eq=False)
class InfiniteLoss:
    """Another pack's loss that has no bounds."""

    name: str = "infinite"

    def fit(self, batch, height, width, device):
        return lambda images: images.mean((1, 2, 3)) + math.inf


class MakeInfiniteLoss(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        outputs = [io.Custom("DSG_LOSS").Output("loss")]
        return io.Schema("Test_InfiniteLoss", category="test", outputs=outputs)

    @classmethod
    def execute(cls):
        return io.NodeOutput(InfiniteLoss())


class Expanding(io.ComfyNode):
    """A node that becomes a sampler while the graph runs, as loops of other packs do."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), io.Conditioning.Input("positive"), io.Conditioning.Input("negative")]
        inputs += [io.Latent.Input("latent_image"), io.Vae.Input("vae")]
        outputs = [io.Latent.Output("latent")]
        return io.Schema("Test_Expanding", category="test", inputs=inputs, outputs=outputs, enable_expand=True)

    @classmethod
    def execute(cls, **inputs):
        graph = GraphBuilder()
        settings = {"seed": 0, "steps": 3, "cfg": 1.0, "scheduler": "normal", "denoise": 1.0, "guidance_rate": 0.2}
        sampler = graph.node("DSG_KSampler", **inputs, **settings)
        return io.NodeOutput(sampler.out(0), expand=graph.finalize())


class RecentRuns(io.ComfyNode):
    """What the pack's memory for live charts keeps of runs by their steps: which, by their numbers."""

    @classmethod
    def define_schema(cls):
        steps = io.String.Input("steps", default="")
        return io.Schema("Test_RecentRuns", category="test", inputs=[steps], is_output_node=True)

    @classmethod
    def execute(cls, steps):
        pack = next(module for name, module in sys.modules.items() if name.endswith(".host.live_chart"))
        runs = pack.RecentRuns()
        for number, count in enumerate(json.loads(steps)):
            place = pack.Place("graph", str(number))
            run = runs.begin(place, "prompt", count)
            runs.keep(place, replace(run, steps=[pack.ChartStep({}, None, False, 0)] * count))
        return io.NodeOutput(ui={"text": [json.dumps([int(run.node) for run in runs.of("graph")])]})


@dataclass(frozen=True, eq=False)
class StrangeLoss:
    """The same for all pictures, or larger each time that it is computed, or with a gradient of the wrong sign."""

    name: str

    def fit(self, batch, height, width, device):
        times = itertools.count(1)
        return {
            "flat": lambda images: images.mean((1, 2, 3)) * 0 + 1,
            "rising": lambda images: images.mean((1, 2, 3)) * 1e-3 + next(times),
            "backwards": lambda images: (2 * images.detach() - images).square().mean((1, 2, 3)),
        }[self.name]


class MakeStrangeLoss(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        kind = io.Combo.Input("kind", options=["flat", "rising", "backwards"])
        outputs = [io.Custom("DSG_LOSS").Output("loss")]
        return io.Schema("Test_StrangeLoss", category="test", inputs=[kind], outputs=outputs)

    @classmethod
    def execute(cls, kind):
        return io.NodeOutput(StrangeLoss(kind))


class NoVAE(io.ComfyNode):
    """What a checkpoint loader gives for a checkpoint without a VAE."""

    @classmethod
    def define_schema(cls):
        return io.Schema("Test_NoVAE", category="test", inputs=[], outputs=[io.Vae.Output("vae")])

    @classmethod
    def execute(cls):
        return io.NodeOutput(None)


class NoGradientModel(io.ComfyNode):
    """A model that computes as before and gives no gradient, as quantized and compiled ones do."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            "Test_NoGradientModel",
            category="test",
            inputs=[io.Model.Input("model")],
            outputs=[io.Model.Output("without_gradient")],
        )

    @classmethod
    def execute(cls, model):
        @torch.no_grad()
        def call(apply_model, args):
            return apply_model(args["input"], args["timestep"], **args["c"])

        model = model.clone()
        model.set_model_unet_function_wrapper(call)
        return io.NodeOutput(model)


class OutOfMemoryModel(io.ComfyNode):
    """A model whose graph does not fit into memory the first `times` times."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Test_OutOfMemoryModel",
            category="test",
            inputs=[io.Model.Input("model"), io.Int.Input("times", min=0, max=100)],
            outputs=[io.Model.Output("too_large")],
        )

    @classmethod
    def execute(cls, model, times):
        left = [times]

        def call(apply_model, args):
            if torch.is_grad_enabled() and left[0]:
                left[0] -= 1
                raise comfy.model_management.OOM_EXCEPTION("CUDA out of memory")
            return apply_model(args["input"], args["timestep"], **args["c"])

        model = model.clone()
        model.set_model_unet_function_wrapper(call)
        return io.NodeOutput(model)


def watched(call, what: str):
    """The same call, logging the most bytes that autograd ever keeps of one."""
    most = 0

    def watching(*args, **kwargs):
        nonlocal most
        kept: dict[int, int] = {}

        def keep(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            output = call(*args, **kwargs)
        if sum(kept.values()) > most:
            most = sum(kept.values())
            logging.info("kept of the %s: %d bytes", what, most)
        return output

    return watching


class WatchedModel(io.ComfyNode):
    """A model and VAE that log what autograd keeps of them, and how many latents a pass with a gradient has."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), io.Vae.Input("vae")]
        outputs = [io.Model.Output("watched"), io.Vae.Output("watched_vae")]
        return io.Schema(node_id="Test_WatchedModel", category="test", inputs=inputs, outputs=outputs)

    @classmethod
    def fingerprint_inputs(cls, **_inputs):
        return float("nan")  # never cached: each run gets a count of its own

    @classmethod
    def execute(cls, model, vae):
        def call(apply_model, args):
            if torch.is_grad_enabled():
                logging.info("a pass with a gradient of %d latents", len(args["input"]))
            return apply_model(args["input"], args["timestep"], **args["c"])

        model = model.clone()
        model.set_model_unet_function_wrapper(watched(call, "model"))
        vae.first_stage_model.decode = watched(type(vae.first_stage_model).decode.__get__(vae.first_stage_model), "VAE")
        return io.NodeOutput(model, vae)


class RandomControlNet(io.ComfyNode):
    """The host's own ControlNet, of the embedded model's shape, with random weights."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model")]
        return io.Schema("Test_ControlNet", category="test", inputs=inputs, outputs=[io.ControlNet.Output("net")])

    @classmethod
    def execute(cls, model):
        config = {name: value for name, value in model.model.model_config.unet_config.items() if name != "out_channels"}
        config.pop("transformer_depth_output")
        net = ControlNetModel(**config, hint_channels=3, operations=comfy.ops.disable_weight_init)
        generator = torch.Generator().manual_seed(0)
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.03)
        device = comfy.model_management.get_torch_device()
        return io.NodeOutput(ControlNet(net, load_device=device, extra_conds=[]))


class NaFlexEmbeddings(torch.nn.Module):
    """As SigLIP2's in newer hosts: patches of any number by a linear layer, no class token, positions interpolated."""

    def __init__(self, width: int, patch: int, places: int):
        super().__init__()
        self.patch, self.side = patch, math.isqrt(places)
        self.patch_embedding = torch.nn.Linear(3 * patch**2, width)
        self.position_embedding = torch.nn.Embedding(places, width)

    def forward(self, pixels):
        grid = [length // self.patch for length in pixels.shape[-2:]]
        patches = torch.nn.functional.unfold(pixels, self.patch, stride=self.patch).mT
        positions = self.position_embedding.weight.T.reshape(1, -1, self.side, self.side)
        positions = torch.nn.functional.interpolate(positions, grid, mode="bilinear", antialias=True)
        return self.patch_embedding(patches) + positions.flatten(2).mT


class Registers(torch.nn.Module):
    """As DINOv3 in newer hosts: a class token and four registers, blocks that are called `layer`, and no more tower."""

    def __init__(self, patch: int = 8, width: int = 64):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, width, patch, patch)
        self.tokens = torch.nn.Parameter(torch.zeros(1, 5, width))
        self.layer = torch.nn.ModuleList(torch.nn.TransformerEncoderLayer(width, 2, 128, 0.0) for _ in range(3))

    def forward(self, pixel_values, **_options):
        patches = self.patches(pixel_values).flatten(2).mT
        x = torch.cat([self.tokens.expand(len(patches), -1, -1), patches], dim=1)
        for layer in self.layer:
            x = layer(x)
        return x, None, x[:, 0], None


class WithoutGradient(Registers):
    @torch.no_grad()
    def forward(self, pixel_values, **options):
        return super().forward(pixel_values, **options)


VISION_KINDS = {
    "CLIP": "clip_vision_model",
    "SigLIP": "siglip_vision_model",
    "SigLIP2 NaFlex": "siglip2_vision_model",
    "DINOv2": "dinov2",
    "registers": Registers,
    "convolutions": lambda: torch.nn.Conv2d(3, 8, 3),
    "without a gradient": WithoutGradient,
}


class SmallClipVision(io.ComfyNode):
    """The host's CLIP_VISION with the image tower of the embedded CLIP, or a random one of another kind: small ones,
    which the host's own loader does not know."""

    @classmethod
    def define_schema(cls):
        kind = io.Combo.Input("kind", options=list(VISION_KINDS))
        return io.Schema("Test_ClipVision", category="test", inputs=[kind], outputs=[io.ClipVision.Output("vision")])

    @classmethod
    def execute(cls, kind):
        shape = {"hidden_size": 160, "num_hidden_layers": 5, "num_attention_heads": 5, "intermediate_size": 320}
        shape |= {"num_channels": 3, "image_size": 64, "patch_size": 8, "projection_dim": 128, "hidden_act": "gelu"}
        shape |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "layer_norm_eps": 1e-5, "use_swiglu_ffn": False}
        known = VISION_KINDS[kind] in comfy.clip_vision.IMAGE_ENCODERS
        shape["model_type"] = VISION_KINDS[kind] if known else "siglip_vision_model"
        shape |= {"image_size": -1, "num_patches": 64} if known and kind == "SigLIP2 NaFlex" else {}
        shape |= {"image_size": 518, "patch_size": 14} if kind == "DINOv2" else {}  # the host's own has no other
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "config.json")
            path.write_text(json.dumps(shape))
            vision = comfy.clip_vision.ClipVisionModel(str(path))
        if kind == "CLIP":
            file = folder_paths.get_full_path_or_raise("dsg_clip", "faces/open_clip_model.safetensors")
            weights = comfy.clip_vision.convert_to_transformers(comfy.utils.load_torch_file(file), "visual.")
            missing, _ = vision.load_sd(weights)
            assert not missing, missing
            return io.NodeOutput(vision)
        torch.manual_seed(0)
        if kind == "SigLIP2 NaFlex" and not known:
            vision.model.vision_model.embeddings = NaFlexEmbeddings(160, 8, 64)
            vision.image_size, vision.config = -1, {"patch_size": 8, "num_patches": 64}
        elif not isinstance(VISION_KINDS[kind], str):
            vision.model = VISION_KINDS[kind]()
            devices = vision.patcher.load_device, vision.patcher.offload_device
            vision.patcher = comfy.model_patcher.ModelPatcher(vision.model, *devices)
        for weight in vision.model.parameters():
            weight.copy_(torch.randn(weight.shape) / math.sqrt(weight[0].numel()) if weight.ndim > 1 else 0.5)
        return io.NodeOutput(vision)


class LatentNumbers(io.ComfyNode):
    """A latent's exact contents as text, so that a test can compare bits."""

    @classmethod
    def define_schema(cls):
        return io.Schema("Test_LatentNumbers", category="test", inputs=[io.Latent.Input("latent")], is_output_node=True)

    @classmethod
    def execute(cls, latent):
        samples = latent["samples"].contiguous()
        text = {"sha": hashlib.sha256(samples.numpy().tobytes()).hexdigest(), "values": samples.flatten().tolist()}
        return io.NodeOutput(ui={"text": [json.dumps(text)]})


class ModelState(io.ComfyNode):
    """A fingerprint of a model's weights, gradient flags, hooks and options, after `after` was computed."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), io.Vae.Input("vae"), io.Latent.Input("after", optional=True)]
        return io.Schema("Test_ModelState", category="test", inputs=inputs, is_output_node=True)

    @classmethod
    def fingerprint_inputs(cls, **_inputs):
        return float("nan")  # never cached

    @classmethod
    def execute(cls, model, vae, after=None):
        state = {"weights": [], "flags": [], "hooks": [], "options": repr(model.model_options)}
        for root in (model.model, vae.first_stage_model):
            for name, tensor in root.state_dict().items():
                state["weights"].append((name, str(tensor.dtype), hashlib.sha256(tensor.numpy().tobytes()).hexdigest()))
            state["flags"] += [(name, weight.requires_grad) for name, weight in root.named_parameters()]
            state["hooks"] += [(name, len(part._forward_hooks), part.training) for name, part in root.named_modules()]
        return io.NodeOutput(ui={"text": [json.dumps(state)]})


class OddInputs(ComfyExtension):
    async def get_node_list(self):
        return [
            OddLatent,
            RolledLatent,
            OddPicture,
            AnyPicture,
            AnyNumber,
            Anything,
            MakeAnything,
            MakeOwnLoss,
            MakeImpossibleLoss,
            MakeInfiniteLoss,
            Expanding,
            RecentRuns,
            MakeStrangeLoss,
            NoVAE,
            NoGradientModel,
            OutOfMemoryModel,
            WatchedModel,
            RandomControlNet,
            SmallClipVision,
            LatentNumbers,
            ModelState,
        ]


async def comfy_entrypoint():
    return OddInputs()
