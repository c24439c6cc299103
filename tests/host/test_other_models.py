"""Small random models of the host's other families are guided in every way, through its executor.

What they paint means nothing, so they are judged by the half of the picture that is known and of one colour: how far it
is from that colour in the picture that the host's own VAE Decode gives.
"""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from benchmarks.tasks.graph import Graph
from benchmarks.tasks.wiring import loss
from tools.server import Client

SIDE, LARGE, STEPS = 64, 384, 6
GREY = 0x808080
FAMILIES = ["SD3", "Flux", "Wan", "Qwen-Image", "Z-Image", "SD 1.5 inpainting"]


def painted(
    host: Client,
    family: str,
    gradient: str | None,
    side: int = SIDE,
    small_decoder: bool = False,
    watched: bool = False,
) -> tuple[np.ndarray, dict]:
    """Pictures `[N, side, side, 3]` whose left half is to be grey, and the report; unguided without a mode of gradient.

    small_decoder: it has no memory for more than 32×32 latents. watched: the log tells what autograd keeps, whose own
    watch for tensors that Flux overwrites is off meanwhile.
    """
    graph = Graph()
    model = graph.add("Test_SmallModel", family=family)
    network, vae = [model, 0], [model, 2]
    if watched:
        seen = graph.add("Test_WatchedModel", model=network, vae=vae)
        network, vae = [seen, 0], [seen, 1]
    if small_decoder:
        vae = [graph.add("Test_SmallDecoder", vae=vae), 0]
    positive, method = [model, 1], {}
    negative, latent = [model, 1], [model, 3]
    if side > SIDE:
        scaling = {"upscale_method": "nearest-exact", "width": side, "height": side, "crop": "disabled"}
        latent = [graph.add("LatentUpscale", samples=latent, **scaling), 0]
    image = [graph.add("EmptyImage", width=side, height=side, batch_size=1, color=GREY), 0]
    left = [graph.add("SolidMask", value=0.0, width=side // 2, height=side), 0]
    mask = graph.add("SolidMask", value=1.0, width=side, height=side)
    mask = [graph.add("MaskComposite", destination=[mask, 0], source=left, x=0, y=0, operation="multiply"), 0]
    if family == "SD 1.5 inpainting":
        inputs = {"positive": positive, "negative": negative, "vae": [model, 2], "pixels": image, "mask": mask}
        known = graph.add("InpaintModelConditioning", **inputs, noise_mask=False)
        positive, negative, latent = [known, 0], [known, 1], [known, 2]
    if gradient:
        known = {"image": image, "mask": mask, "threshold": 0.5, "restore_known": False}
        positive = loss(graph, "DSG_MaskLoss", positive, **known)
        method = {"method": [graph.add("DSG_GuidanceMethod", method="DSG", step_size=0.0, gradient=gradient), 0]}
    run = graph.add(
        "DSG_KSampler",
        model=network,
        positive=positive,
        negative=negative,
        latent_image=latent,
        vae=vae,
        guidance_rate=0.5,
        seed=0,
        steps=STEPS,
        cfg=1.0,
        scheduler="normal",
        denoise=1.0,
        **method,
    )
    decoded = graph.add("VAEDecode", samples=[run, 0], vae=[model, 2])
    shown = graph.add("PreviewImage", images=[decoded, 0])
    report = graph.add("DSG_GuidanceReport", report=[run, 1])
    outputs = host.run(graph.nodes)
    files = [host.picture(entry) for entry in outputs[shown]["images"]]
    pictures = np.stack([np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files])
    return pictures, json.loads(outputs[report]["text"][0])


def distance(pictures: np.ndarray) -> float:
    """Of the known half from its colour."""
    return float(np.abs(pictures[:, :, : pictures.shape[2] // 2].astype(float) - 0x80).mean())


@pytest.mark.parametrize("gradient", ["exact", "low memory", "finite difference", "none"])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_guided_in_each_way(host, family, gradient):
    unguided, _ = painted(host, family, None)
    guided, report = painted(host, family, gradient)
    assert report["gradient_modes"] == [gradient]
    assert report["guided_steps"] == STEPS - 1
    assert report["skipped"] == 0
    assert distance(guided) < 0.8 * distance(unguided)


@pytest.mark.parametrize("family", FAMILIES)
def test_low_memory_gives_the_exact_picture_in_each_family(host, family):
    exact, low = (painted(host, family, gradient)[0].astype(int) for gradient in ("exact", "low memory"))
    assert np.abs(exact - low).max() <= 1


def test_a_large_picture_is_decoded_in_tiles_where_memory_is_short(host):
    unguided, _ = painted(host, "Flux", None, LARGE)
    whole, report = painted(host, "Flux", "low memory", LARGE)
    assert report["gradient_modes"] == ["low memory"]
    tiled, report = painted(host, "Flux", "low memory", LARGE, small_decoder=True)
    assert report["gradient_modes"] == ["low memory", "low memory, decoding in tiles"]
    assert distance(tiled) < 0.8 * distance(unguided)
    assert distance(tiled) < 1.2 * distance(whole)


def test_all_modes_but_exact_keep_little_of_the_vae_of_stable_diffusion(host):
    def kept(gradient: str) -> int:
        before = len(host.log.read_text())
        painted(host, "SD 1.5 inpainting", gradient, watched=True)
        return max(map(int, re.findall(r"kept of the VAE: (\d+) bytes", host.log.read_text()[before:])))

    exact = kept("exact")
    assert all(kept(gradient) < 0.6 * exact for gradient in ("low memory", "finite difference", "none"))
