"""What decodes for the losses: the VAE, the small decoder of the model's family, or the colours of the latents."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tools.comfyui import import_host
from tools.hosts import run
from tools.random_models import write_taesd
from tools.server import PromptError
from tools.small_models import half_grey
from tools.workflow import find


@pytest.fixture(scope="module")
def taesd(base) -> str:
    """The two files of one, of random numbers: the small decoder of SD 1.5's family."""
    write_taesd(base / "models" / "vae_approx")
    return "taesd"


def prompt(loss_decoder: str, family: str = "SD 1.5", gradient: str | None = "exact") -> dict:
    made = half_grey(family, gradient)
    made["sampler"]["inputs"]["loss_decoder"] = loss_decoder
    return made


@pytest.mark.parametrize("gradient", ["exact", "low memory", "finite difference", "none"])
def test_the_small_decoder_guides_as_it_does_as_the_vae(host, taesd, gradient):
    small, report = run(host, prompt("small decoder", gradient=gradient))
    as_vae = prompt("VAE", gradient=gradient)
    as_vae["taesd"] = {"class_type": "VAELoader", "inputs": {"vae_name": taesd}}
    as_vae["sampler"]["inputs"]["vae"] = ["taesd", 0]
    expected, _ = run(host, as_vae)
    by_vae, _ = run(host, prompt("VAE", gradient=gradient))
    assert report["guided_steps"] == 5
    assert np.abs(small.astype(int) - expected).mean() < 0.5
    assert np.abs(small.astype(int) - by_vae).mean() > 1
    assert any("small decoder, taesd_decoder.safetensors" in remark for remark in report["remarks"])


def test_the_known_half_is_put_back_by_the_vae(host, taesd):
    asked = prompt("small decoder")
    asked["loss"]["inputs"]["restore_known"] = True
    pictures, _ = run(host, asked)
    plain, _ = run(host, prompt("small decoder"))
    assert np.abs(pictures.astype(int) - plain).max() > 1


@pytest.mark.parametrize("family", ["SD 1.5", "SDXL", "Flux", "Wan"])
def test_latent_colours_guide_the_colours_of_the_latent(host, base, family):
    import_host()
    import comfy.latent_formats

    formats = {"SD 1.5": "SD15", "SDXL": "SDXL", "Flux": "Flux", "Wan": "Wan21"}
    latent_format = getattr(comfy.latent_formats, formats[family])()

    def distance(gradient: str | None) -> float:
        asked = prompt("latent colours", family, gradient)
        asked["latent"] = {
            "class_type": "SaveLatent",
            "inputs": {"samples": ["sampler", 0], "filename_prefix": f"{family} {gradient}"},
        }
        run(host, asked)
        (file,) = (base / "output").glob(f"{family} {gradient}_*.latent")
        latent = latent_format.process_in(load_file(file)["latent_tensor"].float())
        colours = latent.movedim(1, -1) @ torch.tensor(latent_format.latent_rgb_factors)
        colours = colours + torch.tensor(latent_format.latent_rgb_factors_bias or 0.0)
        left = colours[..., : colours.shape[-2] // 2, :]
        return float((left / 2 + 0.5 - 128 / 255).abs().mean())

    assert distance("exact") < 0.9 * distance(None)


def test_custom_sampling_takes_the_choice(host, taesd):
    asked = prompt("small decoder")
    sampler = asked["sampler"]["inputs"]
    asked["dsg"] = {
        "class_type": "DSG_Sampler",
        "inputs": {"vae": sampler["vae"], "guidance_rate": 0.5, "eta": 1.0, "loss_decoder": "small decoder"},
    }
    asked["sigmas"] = {
        "class_type": "BasicScheduler",
        "inputs": {"model": sampler["model"], "scheduler": "normal", "steps": 6, "denoise": 1.0},
    }
    asked["custom"] = {
        "class_type": "SamplerCustom",
        "inputs": {name: sampler[name] for name in ("model", "positive", "negative", "latent_image", "cfg")}
        | {"add_noise": True, "noise_seed": 0, "sampler": ["dsg", 0], "sigmas": ["sigmas", 0]},
    }
    asked["decoded"]["inputs"]["samples"] = ["custom", 0]
    pictures, _ = run(host, asked)
    expected, _ = run(host, prompt("small decoder"))
    assert np.abs(pictures.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("loss_decoder", "family", "said"),
    [
        ("small decoder", "SDXL", "put taesdxl_decoder.safetensors or taesdxl_decoder.pth into models/vae_approx"),
        ("latent colors", "SD 1.5", "loss_decoder"),
    ],
)
def test_what_is_not_there_is_said(host, taesd, loss_decoder, family, said):
    with pytest.raises(PromptError, match=said):
        run(host, prompt(loss_decoder, family))


def test_a_model_of_pixels_has_its_colours_alone(host, guided):
    (sampler,) = (node["inputs"] for node in guided.values() if node["class_type"] == "DSG_KSampler")
    sampler["loss_decoder"] = "small decoder"
    with pytest.raises(PromptError, match="no small decoder for this model; set loss_decoder to VAE"):
        host.run(guided)
    files = {}
    for sampler["loss_decoder"] in ("latent colours", "VAE"):
        outputs = host.run(guided)
        (image,) = outputs[find(guided, "SaveImage")]["images"]
        files[sampler["loss_decoder"]] = host.picture(image)
    pictures = [np.asarray(Image.open(io.BytesIO(file))).astype(int) for file in files.values()]
    assert np.abs(pictures[0] - pictures[1]).mean() < 3


def test_another_file_by_that_name_is_refused(host, base, taesd):
    other = base / "models" / "vae_approx" / "taef1_decoder.safetensors"
    other.write_bytes((base / "models" / "vae_approx" / "taesd_encoder.safetensors").read_bytes())
    with pytest.raises(PromptError, match="taef1_decoder"):
        run(host, prompt("small decoder", "Flux"))
