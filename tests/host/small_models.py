"""A pack for the tests: small models of the host's families, with random weights."""

import dataclasses
import math
import unittest.mock

import comfy.latent_formats
import comfy.ldm.flux.model
import comfy.ldm.models.autoencoder
import comfy.ldm.wan.vae
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import torch
from comfy_api.latest import ComfyExtension, io

SD3 = {
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "depth": 2,
    "input_size": None,
    "adm_in_channels": 32,
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 32, "out_features": 128}},
    "num_patches": 64,
    "pos_embed_max_size": 8,
    "pos_embed_scaling_factor": None,
    "qk_norm": "rms",
}
FLUX = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "vec_in_dim": 32,
    "context_in_dim": 32,
    "hidden_size": 64,
    "mlp_ratio": 4.0,
    "num_heads": 4,
    "depth": 2,
    "depth_single_blocks": 2,
    "axes_dim": [4, 6, 6],
    "theta": 10000,
    "qkv_bias": True,
    "guidance_embed": True,
}
if any(field.name == "txt_ids_dims" for field in dataclasses.fields(comfy.ldm.flux.model.FluxParams)):
    FLUX["txt_ids_dims"] = []  # newer hosts want it said
WAN = {
    "image_model": "wan2.1",
    "model_type": "t2v",
    "patch_size": (1, 2, 2),
    "in_dim": 16,
    "out_dim": 16,
    "dim": 48,
    "ffn_dim": 96,
    "freq_dim": 32,
    "text_dim": 32,
    "num_heads": 4,
    "num_layers": 2,
}
UNET_9_CHANNELS = {
    "image_size": 32,
    "in_channels": 9,
    "out_channels": 4,
    "model_channels": 32,
    "num_res_blocks": [1, 1],
    "channel_mult": (1, 2),
    "transformer_depth": [1, 1],
    "transformer_depth_output": [1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "use_spatial_transformer": True,
    "context_dim": 32,
    "adm_in_channels": None,
    "legacy": False,
}
UNET_OF_SDXL = UNET_9_CHANNELS | {
    "in_channels": 4,
    "num_classes": "sequential",
    "adm_in_channels": 32 + 6 * 256,
    "transformer_depth": [0, 2],
    "transformer_depth_output": [0, 0, 2, 2],
    "use_linear_in_transformer": True,
}
QWEN_IMAGE = {
    "image_model": "qwen_image",
    "in_channels": 64,
    "num_layers": 2,
    "attention_head_dim": 16,
    "num_attention_heads": 4,
    "joint_attention_dim": 32,
    "axes_dims_rope": (4, 6, 6),
}
Z_IMAGE = {
    "image_model": "lumina2",
    "patch_size": 2,
    "in_channels": 16,
    "dim": 256,
    "cap_feat_dim": 32,
    "n_layers": 2,
    "n_refiner_layers": 1,
    "qk_norm": True,
    "n_heads": 16,
    "n_kv_heads": 16,
    "axes_dims": [4, 6, 6],
    "axes_lens": [64, 64, 64],
    "rope_theta": 256.0,
    "ffn_dim_multiplier": 8 / 3,
    "z_image_modulation": True,
    "time_scale": 1000.0,
    "pad_tokens_multiple": 8,
}
KINDS = {
    "SD3": ("SD3", SD3, [1, 16, 8, 8]),
    "Flux": ("Flux", FLUX, [1, 16, 8, 8]),
    "Wan": ("WAN21_T2V", WAN, [1, 16, 2, 8, 8]),
    "Qwen-Image": ("QwenImage", QWEN_IMAGE, [1, 16, 1, 8, 8]),
    "Z-Image": ("ZImage", Z_IMAGE, [1, 16, 8, 8]),
    "SD 1.5": ("SD15", UNET_9_CHANNELS | {"in_channels": 4}, [1, 4, 8, 8]),
    "SDXL": ("SDXL", UNET_OF_SDXL, [1, 4, 8, 8]),
    "SD 1.5 inpainting": ("SD15", UNET_9_CHANNELS, [1, 4, 8, 8]),
}
FAMILIES = {name: kind for name, kind in KINDS.items() if hasattr(comfy.supported_models, kind[0])}


PAST = 1 / 8  # what a causal convolution makes of an earlier frame, over what it makes of the present one


def fill(network: torch.nn.Module) -> None:
    """Ones for norms, zeros for biases, otherwise a normal draw that keeps the activations' scale.

    Convolutions over time look at the present frame most of all, as in video models that began as picture models.
    """
    generator = torch.Generator().manual_seed(0)
    for name, weight in network.state_dict().items():
        if weight.ndim < 2:
            weight.copy_(torch.zeros_like(weight) if name.endswith("bias") else torch.ones_like(weight))
        else:
            std = 1 / math.sqrt(math.prod(weight.shape[1:]))
            weight.copy_(torch.randn(weight.shape, generator=generator) * std)
            if weight.ndim == 5 and weight.shape[2] > 1:
                weight[:, :, :-1] *= PAST
                weight *= math.sqrt(weight.shape[2] / (1 + (weight.shape[2] - 1) * PAST**2))


def kl_vae(channels: int) -> comfy.sd.VAE:
    shape = {"double_z": True, "z_channels": channels, "resolution": 64, "in_channels": 3, "out_ch": 3, "ch": 32}
    shape |= {"ch_mult": [1, 1, 1, 1], "num_res_blocks": 1, "attn_resolutions": [], "dropout": 0.0}
    params = {"ddconfig": shape, "embed_dim": channels}
    network = comfy.ldm.models.autoencoder.AutoencoderKL(**params)
    fill(network)
    return comfy.sd.VAE(sd=network.state_dict(), config={"params": params})


def wan_vae(channels: int) -> comfy.sd.VAE:
    published = comfy.ldm.wan.vae.WanVAE

    def small(**shape):  # older hosts do not read the width from a file
        return published(**(shape | {"dim": 8}))

    shape = {"z_dim": channels, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_scales": []}
    network = small(**shape, temperal_downsample=[False, True, True])
    fill(network)
    with unittest.mock.patch.object(comfy.ldm.wan.vae, "WanVAE", small):
        return comfy.sd.VAE(sd=network.state_dict())


def small_vae(channels: int, video: bool) -> comfy.sd.VAE:
    """The host's own KL or Wan autoencoder, eight times smaller each way."""
    vae = wan_vae(channels) if video else kl_vae(channels)
    if hasattr(comfy.sd, "load_vae_patcher"):  # the host's loaders give a VAE the way to load it again, too
        vae.patcher.cached_patcher_init = (small_vae_patcher, (channels, video))
    return vae


def small_vae_patcher(channels: int, video: bool, disable_dynamic: bool = False) -> comfy.model_patcher.ModelPatcher:
    """Dynamic or not as the host's own, which takes no notice of `disable_dynamic` either."""
    return small_vae(channels, video).patcher


def small_patcher(family: str, disable_dynamic: bool = False) -> comfy.model_patcher.ModelPatcher:
    """As the loaders of newer hosts make one: dynamic where theirs are, with the way to load it again as plain."""
    kind, unet_config, _ = FAMILIES[family]
    config = getattr(comfy.supported_models, kind)(unet_config)
    config.set_inference_dtype(torch.float32, None)
    model = config.get_model({}, "")
    fill(model.diffusion_model)
    plain = comfy.model_patcher.ModelPatcher
    patcher = plain if disable_dynamic else getattr(comfy.model_patcher, "CoreModelPatcher", plain)
    devices = comfy.model_management.get_torch_device(), comfy.model_management.unet_offload_device()
    made = patcher(model, *devices)
    made.cached_patcher_init = (small_patcher, (family,))
    return made


class SmallModel(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Test_SmallModel",
            category="test",
            inputs=[io.Combo.Input("family", options=list(FAMILIES))],
            outputs=[
                io.Model.Output("model"),
                io.Conditioning.Output("positive"),
                io.Vae.Output("vae"),
                io.Latent.Output("latent"),
            ],
        )

    @classmethod
    def execute(cls, family):
        latent_shape = FAMILIES[family][-1]
        generator = torch.Generator().manual_seed(1)
        text = torch.randn(1, 7, 32, generator=generator)
        pooled = torch.randn(1, 32, generator=generator)
        return io.NodeOutput(
            small_patcher(family),
            [[text, {"pooled_output": pooled}]],
            small_vae(latent_shape[1], len(latent_shape) == 5),
            {"samples": torch.zeros(latent_shape)},
        )


class SmallModels(ComfyExtension):
    async def get_node_list(self):
        return [SmallModel]


async def comfy_entrypoint():
    return SmallModels()
