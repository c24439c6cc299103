"""Pictures whose size the VAE does not divide: references are cropped as the host's VAE Encode crops the picture."""

import io

import numpy as np
import pytest
from PIL import Image

ALWAYS = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
SIZES = [(65, 64), (64, 65), (67, 67)]  # width and height; the embedded VAE has units of two pixels
SHRINK = {"factor": 4, "kernel": "area"}
BLUR = {"blur": "gaussian", "size": 9, "std": 1.5, "angle": 0.0}

# Each loss with a reference of the picture's size before the crop, and the nodes that this takes beside "large".
LOSSES = {
    "Mask Loss": ("DSG_MaskLoss", {"image": ["large", 0], "mask": ["left", 0], "threshold": 0.5}, {}),
    "Colorize Loss": ("DSG_ColorizeLoss", {"image": ["large", 0]}, {}),
    "Sketch Loss": ("DSG_SketchLoss", {"drawing": ["large", 0], "lines": "dark on light"}, {}),
    "Deblur Loss": (
        *("DSG_DeblurLoss", BLUR | {"image": ["blurred", 0]}),
        {"blurred": {"class_type": "DSG_BlurPicture", "inputs": BLUR | {"image": ["large", 0]}}},
    ),
    "Segmentation Loss": (
        *("DSG_SegmentationLoss", {"model": ["network", 0], "classes": "all", "distance": "cross-entropy"}),
        {"network": {"class_type": "DSG_LoadSegmentationModel", "inputs": {"model_name": "faces"}}},
    ),
}
LOSSES["Segmentation Loss"][1]["image"] = ["large", 0]


def prompt_of(width: int, height: int, loss: str, inputs: dict, nodes: dict, steps: int = 2) -> dict:
    """Samples from the latent of a face of this size, guided by the loss; shows the face, and what comes out."""
    model = {"model_name": "faces (flow matching)", "style": "any", "batch_size": 1}
    scale = {"upscale_method": "bicubic", "width": width, "height": height, "crop": "disabled"}
    white, black = (
        {"value": value, "width": part, "height": height} for value, part in ((1.0, width // 2), (0.0, width))
    )
    join = {"x": 0, "y": 0, "operation": "add", "destination": ["black", 0], "source": ["white", 0]}
    sampler = {"model": ["model", 0], "positive": ["loss", 0], "negative": ["model", 2], "vae": ["model", 3]}
    sampler |= {"latent_image": ["encode", 0], "seed": 0, "steps": steps, "cfg": 1.0, "scheduler": "normal"}
    sampler |= {"denoise": 1.0, "guidance_rate": 0.2}
    return {
        "model": {"class_type": "DSG_LoadEmbeddedModel", "inputs": model},
        "face": {"class_type": "DSG_LoadEmbeddedFaces", "inputs": {"first": 3, "count": 1}},
        "large": {"class_type": "ImageScale", "inputs": scale | {"image": ["face", 0]}},
        "white": {"class_type": "SolidMask", "inputs": white},
        "black": {"class_type": "SolidMask", "inputs": black},
        "left": {"class_type": "MaskComposite", "inputs": join},
        "encode": {"class_type": "VAEEncode", "inputs": {"pixels": ["large", 0], "vae": ["model", 3]}},
        **nodes,
        "loss": {"class_type": loss, "inputs": ALWAYS | {"conditioning": ["model", 1]} | inputs},
        "sampler": {"class_type": "DSG_KSampler", "inputs": sampler},
        "decode": {"class_type": "VAEDecode", "inputs": {"samples": ["sampler", 0], "vae": ["model", 3]}},
        "show": {"class_type": "PreviewImage", "inputs": {"images": ["decode", 0]}},
        "show large": {"class_type": "PreviewImage", "inputs": {"images": ["large", 0]}},
        "show report": {"class_type": "DSG_GuidanceReport", "inputs": {"report": ["sampler", 1]}},
    }


def shown(host, outputs: dict, node: str) -> np.ndarray:
    (entry,) = outputs[node]["images"]
    return np.asarray(Image.open(io.BytesIO(host.picture(entry)))).astype(int)


def new_lines(host, before: int) -> str:
    return host.log.read_text()[before:]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_known_pixels_are_put_back_where_vae_encode_left_them(host, width, height):
    """The embedded VAE is exact, so what differs is rounding alone; the left half is made anew."""
    loss, inputs, nodes = LOSSES["Mask Loss"]
    outputs = host.run(prompt_of(width, height, loss, inputs | {"restore_known": True}, nodes))
    made, large = (shown(host, outputs, node) for node in ("show", "show large"))
    rows, columns = (2 * (length // 2) for length in (height, width))
    top, left = (height - rows) // 2, (width - columns) // 2
    kept = large[top : top + rows, left : left + columns]
    known = slice(width // 2 - left, None)
    assert made.shape == kept.shape
    assert np.abs(made - kept)[:, known].max() <= 1
    assert np.abs(made - kept)[:, : known.start].max() > 20


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_each_loss_s_reference_is_cropped_and_not_resized(host, name, width, height):
    loss, inputs, nodes = LOSSES[name]
    before = len(host.log.read_text())
    inputs = inputs if name == "Mask Loss" else inputs | {"where": ["left", 0]}
    inputs |= {"restore_known": False} if name == "Mask Loss" else {}
    host.run(prompt_of(width, height, loss, inputs, nodes))
    assert "is resized" not in new_lines(host, before)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_small_picture_of_one_that_vae_encode_crops(host, factor):
    """With a factor of 3 the large one has 66×69 pixels: guided by the small pixels that lie wholly on 66×68."""
    width, height = ((length // factor) * factor for length in (67, 71))
    small = {"factor": factor, "kernel": "area"}
    shrink = {"class_type": "DSG_ShrinkPicture", "inputs": small | {"image": ["large", 0]}}
    inputs = small | {"image": ["small", 0]}
    outputs = host.run(prompt_of(width, height, "DSG_SuperResolutionLoss", inputs, {"small": shrink}))
    assert shown(host, outputs, "show").shape == (2 * (height // 2), 2 * (width // 2), 3)
