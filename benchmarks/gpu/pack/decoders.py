"""Ways from a model's latents to pictures, each in the host's own VAE object."""

import comfy.ldm.models.autoencoder
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import comfy.taesd.taesd
import torch
from comfy_api.latest import io
from torch import Tensor, nn

from .shapes import FAMILIES, KL_VAES, SHAPES, SIZES
from .weights import PRECISIONS, fill

PIXELS = 8  # of a latent, each way


def kl_vae(channels: int, size: str, dtype: torch.dtype | None) -> comfy.sd.VAE:
    params = {"ddconfig": KL_VAES[size] | {"z_channels": channels}, "embed_dim": channels}
    network = comfy.ldm.models.autoencoder.AutoencoderKL(**params)
    fill(network)
    return comfy.sd.VAE(sd=network.state_dict(), config={"params": params}, dtype=dtype)


def taesd(channels: int, dtype: torch.dtype | None) -> comfy.sd.VAE:
    network = comfy.taesd.taesd.TAESD(latent_channels=channels)
    fill(network)
    return comfy.sd.VAE(sd=network.state_dict(), dtype=dtype)


class Preview(nn.Module):
    """The linear map to colours that the host previews latents by: next to no decoder at all."""

    def __init__(self, colors: Tensor):
        super().__init__()
        self.register_buffer("colors", colors)

    def decode(self, latent: Tensor) -> Tensor:
        picture = torch.einsum("bchw,cd->bdhw", latent, self.colors.to(latent))
        return picture.repeat_interleave(PIXELS, -1).repeat_interleave(PIXELS, -2)


def preview(kind: str) -> comfy.sd.VAE:
    factors = getattr(comfy.supported_models, kind).latent_format().latent_rgb_factors
    vae = comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)})
    vae.first_stage_model = Preview(torch.tensor(factors))
    vae.latent_channels, vae.vae_dtype = len(factors), torch.float32
    vae.downscale_ratio = vae.upscale_ratio = PIXELS
    offload_device = comfy.model_management.vae_offload_device()
    vae.patcher = comfy.model_patcher.ModelPatcher(vae.first_stage_model, vae.device, offload_device)
    return vae


class RandomDecoder(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="GPU_RandomDecoder",
            category="test",
            inputs=[
                io.Combo.Input("family", options=FAMILIES),
                io.Combo.Input("size", options=SIZES),
                io.Combo.Input("precision", options=list(PRECISIONS)),
                io.Combo.Input("decoder", options=["linear", "TAESD", "KL VAE"]),
            ],
            outputs=[io.Vae.Output("vae")],
        )

    @classmethod
    def execute(cls, family, size, precision, decoder):
        shape, dtype = SHAPES[family, size], PRECISIONS[precision]
        if decoder == "KL VAE":
            return io.NodeOutput(kl_vae(shape.channels, size, dtype))
        return io.NodeOutput(taesd(shape.channels, dtype) if decoder == "TAESD" else preview(shape.kind))
