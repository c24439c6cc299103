"""A pack for the tests: inputs that no user should make, and what the tests must see of the host from inside."""

import hashlib
import json
import logging
import tempfile
from pathlib import Path

import comfy.clip_vision
import comfy.model_management
import comfy.ops
import comfy.utils
import folder_paths
import torch
from comfy.cldm.cldm import ControlNet as ControlNetModel
from comfy.controlnet import ControlNet
from comfy_api.latest import ComfyExtension, io


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


class SmallClipVision(io.ComfyNode):
    """The host's CLIP_VISION with the image tower of the embedded CLIP, or a random DINOv2: small ones, which the
    host's own loader does not know."""

    @classmethod
    def define_schema(cls):
        kind = io.Combo.Input("kind", options=["CLIP", "DINOv2"])
        return io.Schema("Test_ClipVision", category="test", inputs=[kind], outputs=[io.ClipVision.Output("vision")])

    @classmethod
    def execute(cls, kind):
        shape = {"hidden_size": 160, "num_hidden_layers": 5, "num_attention_heads": 5, "intermediate_size": 320}
        shape |= {"num_channels": 3, "image_size": 64, "patch_size": 8, "projection_dim": 128, "hidden_act": "gelu"}
        shape |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "layer_norm_eps": 1e-5, "use_swiglu_ffn": False}
        shape["model_type"] = {"CLIP": "clip_vision_model", "DINOv2": "dinov2"}[kind]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "config.json")
            path.write_text(json.dumps(shape))
            vision = comfy.clip_vision.ClipVisionModel(str(path))
        if kind == "CLIP":
            file = folder_paths.get_full_path_or_raise("dsg_clip_checkpoint", "faces/open_clip_model.safetensors")
            weights = comfy.clip_vision.convert_to_transformers(comfy.utils.load_torch_file(file), "visual.")
            missing, _ = vision.load_sd(weights)
            assert not missing, missing
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
            OddPicture,
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
