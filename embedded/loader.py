"""Build the embedded diffusion models as the host's own checkpoint loaders would."""

import json
from pathlib import Path
from typing import NamedTuple

import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models_base
import comfy.utils
import torch
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).parent / "weights"
EMBEDDED_MODELS = {"faces": "faces.safetensors", "faces (flow matching)": "faces_flow.safetensors"}
MODEL_TYPES = {"v": comfy.model_base.ModelType.V_PREDICTION, "flow": comfy.model_base.ModelType.FLOW}
PICTURE_SIZE = 64
FOLD = 2  # the latent's channels hold 2×2 pixels


class FoldedPixels(comfy.latent_formats.LatentFormat):
    """Latents that are the picture itself, folded: `[B, 12, H/2, W/2]` in [−1, 1]."""

    latent_channels = 3 * FOLD**2
    spacial_downscale_ratio = FOLD
    # The preview averages the four pixels of each colour.
    latent_rgb_factors = [[float(channel // FOLD**2 == color) / FOLD**2 for color in range(3)] for channel in range(12)]


class FoldedPixelsVAE(nn.Module):
    """The autoencoder of such latents: fold and unfold, without loss."""

    def encode(self, pixels: Tensor) -> Tensor:
        return F.pixel_unshuffle(pixels, FOLD)

    def decode(self, latent: Tensor) -> Tensor:
        return F.pixel_shuffle(latent, FOLD)


class EmbeddedFaces(comfy.supported_models_base.BASE):
    unet_extra_config: dict = {}
    latent_format = FoldedPixels
    memory_usage_factor = 1.0

    def __init__(self, unet_config: dict, prediction: str):
        super().__init__(unet_config)
        self.prediction = prediction

    def model_type(self, state_dict: dict, prefix: str = "") -> comfy.model_base.ModelType:
        return MODEL_TYPES[self.prediction]

    def inpaint_model(self) -> bool:
        return False  # the host takes more than four channels for an inpainting model's


class EmbeddedModel(NamedTuple):
    """model, vae: the host's MODEL and VAE; styles: the names of the conditioning token's elements, in order."""

    model: comfy.model_patcher.ModelPatcher
    vae: comfy.sd.VAE
    styles: list[str]
    latent_shape: tuple[int, int, int]


def load_embedded_model(name: str) -> EmbeddedModel:
    """Load one of `EMBEDDED_MODELS`.

    Raises:
        ValueError: in one sentence, if the file is missing or damaged.
    """
    path = WEIGHTS / EMBEDDED_MODELS[name]
    try:
        weights, metadata = comfy.utils.load_torch_file(str(path), safe_load=True, return_metadata=True)
        unet_config, styles = json.loads(metadata["unet_config"]), json.loads(metadata["styles"])
        config = EmbeddedFaces(unet_config, metadata["prediction"])
        config.set_inference_dtype(torch.float32, None)
        model = config.get_model(weights, device=comfy.model_management.unet_offload_device())
        model.load_model_weights(weights)
    except Exception as error:  # the reader and the host have their own kinds of errors for each kind of damage
        raise ValueError(
            f"{path.name} is missing or damaged; restore it with `git checkout {path.name}` in the pack's "
            "embedded/weights folder, or install the pack anew."
        ) from error

    devices = comfy.model_management.get_torch_device(), comfy.model_management.unet_offload_device()
    side = PICTURE_SIZE // FOLD
    return EmbeddedModel(
        comfy.model_patcher.ModelPatcher(model, *devices), folded_pixels_vae(), styles, (3 * FOLD**2, side, side)
    )


def folded_pixels_vae() -> comfy.sd.VAE:
    """The host's VAE object, made as for its pixel models, around our fold."""
    vae = comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)})
    vae.first_stage_model = FoldedPixelsVAE()
    vae.latent_channels = FoldedPixels.latent_channels
    vae.downscale_ratio = vae.upscale_ratio = FOLD
    vae.vae_dtype = torch.float32
    vae.patcher = comfy.model_patcher.ModelPatcher(
        vae.first_stage_model, load_device=vae.device, offload_device=comfy.model_management.vae_offload_device()
    )
    return vae
