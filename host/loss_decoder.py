"""What decodes the estimate for the losses: the VAE itself, or something cheaper that the host previews with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.sd
import folder_paths
import torch
from comfy.taesd.taesd import TAESD
from torch import Tensor
from torch.nn import functional as F

from ..guidance_losses import InputError
from ..guidance_losses.networks.model_file import loader
from ..guidance_losses.networks.size_limits import no_larger_than
from ..guidance_losses.networks.weights_file import read_weights
from .decoder import Decoder

VAE, SMALL, COLOURS = LOSS_DECODERS = ["VAE", "small decoder", "latent colours"]
FOLDER = "vae_approx"  # the host's name of it
WANTED = f"the one that the host previews with, or set loss_decoder to {VAE}"
LISTED = 8  # files in a message


@dataclass(frozen=True)
class SmallDecoder(Decoder):
    """A decoder of the model's family with few layers. Those of pictures take latents as the model has them."""

    def raw_latent(self, latent: Tensor) -> Tensor:
        return latent if isinstance(self.vae.first_stage_model, TAESD) else super().raw_latent(latent)


@dataclass(frozen=True)
class LatentColours(Decoder):
    """The host's linear map from a latent's channels to colours, without a network, enlarged to the picture's size."""

    def __call__(self, latent: Tensor) -> Tensor:
        latent_format = self.model.latent_format
        reshape = getattr(latent_format, "latent_rgb_factors_reshape", None)  # which older hosts do not have
        channels = reshape(latent) if reshape else latent
        if channels.ndim == 5:
            k = self.vae.temporal_compression_decode() or 1  # all frames of a latent have its colours
            channels = channels.repeat_interleave(k, dim=2)[:, :, k - 1 :]
            channels = channels.transpose(1, 2).flatten(0, 1)
        factors = channels.new_tensor(latent_format.latent_rgb_factors)
        bias = latent_format.latent_rgb_factors_bias
        colours = F.linear(channels.movedim(1, -1), factors.T, None if bias is None else channels.new_tensor(bias))
        scale = self.vae.spacial_compression_decode() * latent.shape[-1] / channels.shape[-1]
        return F.interpolate(colours.movedim(-1, 1).float() / 2 + 0.5, scale_factor=scale, mode="bilinear")

    def networks(self) -> list:
        return []


def loss_decoder(choice: str, vae: Any, model: Any) -> tuple[Decoder, str | None]:
    """What decodes for the losses of a run, and what the user should know of it.

    Args:
        choice: one of `LOSS_DECODERS`.
        vae: the host's, of the model.
        model: the host's, which knows its latents' format.

    Raises:
        ValueError: in one sentence, if this model has no such decoder here.
    """
    if choice == SMALL:
        name = small_decoder_file(model.latent_format.taesd_decoder_name)
        try:
            decoder = small_vae(Path(folder_paths.get_full_path_or_raise(FOLDER, name)))
        except InputError as error:
            raise ValueError(f"DSG: {error}") from error
        return SmallDecoder(decoder, model), f"DSG: the losses saw the pictures of a small decoder, {name}."
    if choice == COLOURS:
        if model.latent_format.latent_rgb_factors is None:
            raise ValueError(f"DSG: the host knows no colours of this model's latents; set loss_decoder to {VAE}.")
        return LatentColours(vae, model), "DSG: the losses saw the colours of the latents alone, without their details."
    return Decoder(vae, model), None


def small_decoder_file(family: str | None) -> str:
    """The file that the host previews this family of models with.

    Raises:
        ValueError: in one sentence, if there is none.
    """
    if family is None:
        raise ValueError(f"DSG: the host knows no small decoder for this model; set loss_decoder to {VAE}.")
    files = folder_paths.get_filename_list(FOLDER)
    found = [file for file in files if Path(file).name.startswith(family)]
    if not found:
        there = ", ".join(files[:LISTED]) + (", …" if len(files) > LISTED else "") if files else "nothing"
        raise ValueError(
            f"DSG: this model's small decoder is not there: put {family}.safetensors or {family}.pth into "
            f"models/{FOLDER} (now {there}), or set loss_decoder to {VAE}."
        )
    return found[0]


@loader("a small decoder")
def small_vae(path: Path) -> Any:
    """The host's VAE of such a file, without an encoder.

    Raises:
        InputError: in one sentence, if the file is damaged or another's.
    """
    weights = read_weights(path, WANTED)
    if "decoder.22.bias" not in weights:  # which a video's has; a picture's names its layers by their numbers alone
        weights = {f"taesd_decoder.{name}": weight for name, weight in weights.items()}
    elements = sum(weight.numel() for weight in weights.values())
    with torch.inference_mode(False), no_larger_than(elements, len(weights)):
        vae = comfy.sd.VAE(sd=weights)
    if vae.first_stage_model is None:
        raise InputError(f"it is no small decoder; take {WANTED}")
    return vae
