"""Models of the published architectures and sizes with random weights, as the files that users have."""

import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tools.comfyui import import_host

SD15_UNET = {
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
KL_VAE = {
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


def random_weight(name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Ones for norms, zeros for biases, otherwise a normal draw that keeps the activations' scale."""
    if len(shape) < 2:
        return torch.zeros(shape).half() if name.endswith("bias") else torch.ones(shape).half()
    return torch.empty(shape).normal_(0, 1 / math.sqrt(math.prod(shape[1:])), generator=generator).half()


def random_weights(networks: dict[str, nn.Module]) -> dict[str, Tensor]:
    """For networks without storage, by their prefixes in the file."""
    generator = torch.Generator().manual_seed(0)
    return {
        prefix + name: random_weight(name, tensor.shape, generator)
        for prefix, network in networks.items()
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()
    }


def write_sd15(path: Path) -> None:
    """A checkpoint of Stable Diffusion 1.5: UNet, KL VAE and CLIP, 2 GB."""
    import_host()
    import comfy.ops
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from comfy.sd1_clip import SD1ClipModel

    with torch.device("meta"):
        networks = {
            "model.diffusion_model.": UNetModel(**SD15_UNET, operations=comfy.ops.disable_weight_init),
            "first_stage_model.": AutoencoderKL(ddconfig=KL_VAE, embed_dim=4),
            "cond_stage_model.": SD1ClipModel().clip_l,
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(random_weights(networks), path)


def write_taesd(folder: Path) -> None:
    """The two files of a TAESD, in the host's folder `vae_approx`."""
    import_host()
    from comfy.taesd.taesd import Decoder, Encoder

    folder.mkdir(parents=True, exist_ok=True)
    for name, network in (("taesd_encoder", Encoder()), ("taesd_decoder", Decoder())):
        save_file(random_weights({"": network}), folder / f"{name}.safetensors")


def with_random_statistics(network: nn.Module) -> nn.Module:
    """Of a network as it comes from a training: fresh normalisations would hide mistakes."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for name, low, high in (("weight", 0.5, 1.5), ("bias", -0.2, 0.2)):
                nn.init.uniform_(getattr(module, name), low, high)
            for name, low, high in (("running_mean", -0.2, 0.2), ("running_var", 0.5, 1.5)):
                nn.init.uniform_(getattr(module, name), low, high)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0, 0.5)
    return network.eval()


class IResNetBlock(nn.Module):
    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        self.path = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        shortcut = [nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width)] if stride == 2 else []
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        return self.path(x) + self.shortcut(x)


def iresnet50() -> nn.Module:
    """The network of w600k_r50.onnx: `iresnet50` of insightface's recognition/arcface_torch."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)]
    for before, width, blocks in [(64, 64, 3), (64, 128, 4), (128, 256, 14), (256, 512, 3)]:
        layers += [IResNetBlock(before if i == 0 else width, width, 2 if i == 0 else 1) for i in range(blocks)]
    layers += [nn.BatchNorm2d(512), nn.Flatten(), nn.Dropout(0), nn.Linear(512 * 7 * 7, 512), nn.BatchNorm1d(512)]
    return with_random_statistics(nn.Sequential(*layers))
