"""The architectures: of the published sizes, and small ones of the same layers."""

import dataclasses
from dataclasses import dataclass

import comfy.ldm.flux.model

SIZES = ["full", "small"]


@dataclass(frozen=True)
class Shape:
    """A model, and what its text encoders would give it.

    Attributes:
        kind: the host's class in `comfy.supported_models`.
        unet_config: what that class reads from a file.
        channels: of its latents.
        tokens, width: of the text's tokens.
        pooled: numbers of the whole text.
    """

    kind: str
    unet_config: dict
    channels: int
    tokens: int
    width: int
    pooled: int


UNET = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "use_spatial_transformer": True,
    "use_temporal_attention": False,
    "legacy": False,
}
SD15 = UNET | {
    "model_channels": 320,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": (1, 2, 4, 4),
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
    "transformer_depth_middle": 1,
    "use_linear_in_transformer": False,
    "context_dim": 768,
    "adm_in_channels": None,
}
SDXL = UNET | {
    "model_channels": 320,
    "num_res_blocks": [2, 2, 2],
    "channel_mult": (1, 2, 4),
    "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
    "transformer_depth_middle": 10,
    "use_linear_in_transformer": True,
    "context_dim": 2048,
    "num_classes": "sequential",
    "adm_in_channels": 2816,
}
FLUX = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "vec_in_dim": 768,
    "context_in_dim": 4096,
    "hidden_size": 3072,
    "mlp_ratio": 4.0,
    "num_heads": 24,
    "depth": 19,
    "depth_single_blocks": 38,
    "axes_dim": [16, 56, 56],
    "theta": 10000,
    "qkv_bias": True,
    "guidance_embed": True,
}
if any(field.name == "txt_ids_dims" for field in dataclasses.fields(comfy.ldm.flux.model.FluxParams)):
    FLUX["txt_ids_dims"] = []  # newer hosts want it said
SMALL_UNET = {
    "model_channels": 32,
    "num_res_blocks": [1, 1],
    "channel_mult": (1, 2),
    "transformer_depth_middle": 1,
    "context_dim": 32,
}
SMALL_SD15 = SD15 | SMALL_UNET | {"transformer_depth": [1, 1], "transformer_depth_output": [1, 1, 1, 1]}
SMALL_SDXL = SDXL | SMALL_UNET | {"transformer_depth": [0, 2], "transformer_depth_output": [0, 0, 2, 2]}
SMALL_SDXL["adm_in_channels"] = 32 + 6 * 256
SMALL_FLUX = FLUX | {
    "vec_in_dim": 32,
    "context_in_dim": 32,
    "hidden_size": 64,
    "num_heads": 4,
    "depth": 2,
    "depth_single_blocks": 2,
    "axes_dim": [4, 6, 6],
}
SMALL_SD3 = {
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
SHAPES = {
    ("SD 1.5", "full"): Shape("SD15", SD15, 4, 77, 768, 768),
    ("SDXL", "full"): Shape("SDXL", SDXL, 4, 77, 2048, 1280),
    ("Flux", "full"): Shape("Flux", FLUX, 16, 256, 4096, 768),
    ("SD 1.5", "small"): Shape("SD15", SMALL_SD15, 4, 7, 32, 32),
    ("SDXL", "small"): Shape("SDXL", SMALL_SDXL, 4, 7, 32, 32),
    ("Flux", "small"): Shape("Flux", SMALL_FLUX, 16, 7, 32, 32),
    ("SD3", "small"): Shape("SD3", SMALL_SD3, 16, 7, 32, 32),  # of the small ones, what the host's loaders recognise
}
FAMILIES = list(dict.fromkeys(family for family, _ in SHAPES))


def fitting(shape: Shape, share: float) -> Shape:
    """The same with this share of its blocks, at most all, if it is made of equal ones."""
    blocks = {name: shape.unet_config[name] for name in ("depth", "depth_single_blocks") if name in shape.unet_config}
    if share >= 1 or len(blocks) < 2:
        return shape
    fewer = {name: max(1, int(number * share)) for name, number in blocks.items()}
    return dataclasses.replace(shape, unet_config=shape.unet_config | fewer)


KL_VAE = {
    "double_z": True,
    "resolution": 256,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 128,
    "ch_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "attn_resolutions": [],
    "dropout": 0.0,
}
SMALL_KL_VAE = KL_VAE | {"ch": 32, "ch_mult": [1, 1, 1, 1], "num_res_blocks": 1}
KL_VAES = {"full": KL_VAE, "small": SMALL_KL_VAE}
