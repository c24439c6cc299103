"""The Stable Diffusion template on the host's full SD 1.5 network, KL VAE and CLIP, with random weights."""

import json
import math

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tools.host import REPOSITORY, import_host
from tools.workflow import find, to_prompt

TEMPLATE = REPOSITORY / "workflows" / "Inpaint with DSG (Stable Diffusion).json"

UNET = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": (1, 2, 4, 4),
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
    "transformer_depth_middle": 1,
    "use_spatial_transformer": True,
    "context_dim": 768,
    "num_heads": 8,
    "legacy": False,
}
VAE = {
    "double_z": True,
    "z_channels": 4,
    "resolution": 256,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 128,
    "ch_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "attn_resolutions": [],
    "dropout": 0.0,
}


def parts() -> dict[str, nn.Module]:
    """The checkpoint's three networks by their prefixes in its file, without storage."""
    import_host()
    import comfy.ops
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from comfy.sd1_clip import SD1ClipModel

    with torch.device("meta"):
        return {
            "model.diffusion_model.": UNetModel(**UNET, operations=comfy.ops.disable_weight_init),
            "first_stage_model.": AutoencoderKL(ddconfig=VAE, embed_dim=4),
            "cond_stage_model.": SD1ClipModel().clip_l,
        }


def random_weight(name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Ones for norms, zeros for biases, otherwise a normal draw that keeps the activations' scale."""
    if len(shape) < 2:
        return torch.zeros(shape).half() if name.endswith("bias") else torch.ones(shape).half()
    return torch.empty(shape).normal_(0, 1 / math.sqrt(math.prod(shape[1:])), generator=generator).half()


@pytest.fixture(scope="module")
def checkpoint(base) -> str:
    generator = torch.Generator().manual_seed(0)
    weights = {
        prefix + name: random_weight(name, tensor.shape, generator)
        for prefix, module in parts().items()
        for name, tensor in module.state_dict().items()
        if tensor.is_floating_point()
    }
    folder = base / "models" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "random-sd15.safetensors")
    return "random-sd15.safetensors"


def test_the_template_runs_on_a_full_sd15_checkpoint(host, checkpoint):
    """Small pictures and two steps; the graph is the template's own."""
    prompt = to_prompt(json.loads(TEMPLATE.read_text()), host.get("/object_info").json())
    inputs = {node["class_type"]: node["inputs"] for node in prompt.values()}
    inputs["CheckpointLoaderSimple"]["ckpt_name"] = checkpoint
    inputs["EmptyLatentImage"] |= {"width": 128, "height": 128}
    inputs["DSG_KSampler"]["steps"] = 2
    outputs = host.run(prompt)
    report = json.loads(outputs[find(prompt, "DSG_GuidanceReport")]["text"][0])
    assert report["guided_steps"] == 1
    assert report["skipped"] == 0
    assert report["steps"][0]["gradient_norm"][0] > 0
    assert outputs[find(prompt, "SaveImage")]["images"]
