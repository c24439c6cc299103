"""Small random models of the host's other families are guided in every way, through its executor.

What they paint means nothing, so they are judged by the half of the picture that is known and of one colour: how far it
is from that colour in the picture that the host's own VAE Decode gives.
"""

import re

import numpy as np
import pytest

from tests.host.graphs import once
from tools.comfyui import find_host
from tools.hosts import run
from tools.server import Client
from tools.small_models import FAMILIES, GRADIENTS, SIDE, STEPS, half_grey

MODELS = (find_host() / "comfy" / "supported_models.py").read_text(encoding="utf-8")
HERE = [family for family in FAMILIES if family != "Z-Image" or "class ZImage(" in MODELS]  # older hosts have none
LARGE = 384


@once
def painted(
    host: Client, family: str, gradient: str | None, side: int = SIDE, odd: str = "", parts: tuple[str, ...] = ()
) -> tuple[np.ndarray, dict]:
    """Pictures `[N, side, side, 3]` whose left half is to be grey, and the report; unguided without a mode of gradient.

    odd: a node that takes these parts of what the sampler is given, and gives them changed in the same order.
    """
    prompt = half_grey(family, gradient, side)
    sampler = prompt["sampler"]["inputs"]
    if odd:
        prompt["odd"] = {"class_type": odd, "inputs": {part: sampler[part] for part in parts}}
        sampler |= {part: ["odd", number] for number, part in enumerate(parts)}
    return run(host, prompt)


def distance(pictures: np.ndarray) -> float:
    """Of the known half from its colour."""
    return float(np.abs(pictures[:, :, : pictures.shape[2] // 2].astype(float) - 0x80).mean())


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("family", HERE)
def test_each_family_is_guided_in_each_way(host, family, gradient):
    unguided, _ = painted(host, family, None)
    guided, report = painted(host, family, gradient)
    assert report["gradient_modes"] == [gradient]
    assert report["guided_steps"] == STEPS - 1
    assert report["skipped"] == 0
    assert distance(guided) < 0.8 * distance(unguided)


@pytest.mark.parametrize("family", HERE)
def test_low_memory_gives_the_exact_picture_in_each_family(host, family):
    exact, low = (painted(host, family, gradient)[0].astype(int) for gradient in ("exact", "low memory"))
    assert np.abs(exact - low).max() <= 1


def test_a_large_picture_is_decoded_in_tiles_where_memory_is_short(host):
    unguided, _ = painted(host, "Flux", None, LARGE)
    whole, report = painted(host, "Flux", "low memory", LARGE)
    assert report["gradient_modes"] == ["low memory"]
    tiled, report = painted(host, "Flux", "low memory", LARGE, "Test_SmallDecoder", ("vae",))
    assert report["gradient_modes"] == ["low memory", "low memory, decoding in tiles"]
    assert distance(tiled) < 0.8 * distance(unguided)
    assert distance(tiled) < 1.2 * distance(whole)


def test_all_modes_but_exact_keep_little_of_the_vae_of_stable_diffusion(host):
    """A trial, once a run, keeps all of a corner of 8×8 latents; the picture is four times as large."""

    def kept(gradient: str) -> int:
        before = len(host.log.read_text())
        painted(host, "SD 1.5 inpainting", gradient, 2 * SIDE, "Test_WatchedModel", ("model", "vae"))
        return max(map(int, re.findall(r"kept of the VAE: (\d+) bytes", host.log.read_text()[before:])))

    exact = kept("exact")
    assert all(kept(gradient) < 0.6 * exact for gradient in ("low memory", "finite difference", "none"))
