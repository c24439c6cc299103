"""Pictures that tile, in the host: by a judge that guidance never saw, and decoded as a ring."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.judging import seam_jumps
from tools.graph import Graph, loss, run, sample
from tools.hosts import run as run_small
from tools.small_models import half_grey

PLACE = 8  # pixels of a latent's place, each way


def tiled_faces(host, tiles: str | None) -> np.ndarray:
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=8)
    positive = [model, 1]
    if tiles:
        positive = loss(graph, "DSG_SeamlessLoss", positive, tiles=tiles)
    return run(host, graph, *sample(graph, model, positive, 0, 20, guidance_rate=0.05)).pictures


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return tiled_faces(host, None)


@pytest.mark.parametrize("tiles", ["both", "y"])
def test_the_seam_jumps_no_more_than_the_inside(host, unguided, tiles):
    seam, inside = seam_jumps(tiled_faces(host, tiles), "y")
    before, usual = seam_jumps(unguided, "y")
    assert (before > 2 * usual).all()
    assert (seam < inside).mean() > 0.5
    assert seam.mean() < inside.mean()
    assert seam.mean() < 0.2 * before.mean()
    assert inside.mean() < 1.5 * usual.mean()  # it was not made so by a rough picture


def decoded(host, family: str, tiles: str | None, down: int, right: int) -> np.ndarray:
    """A small random model's latent, rolled over its border and decoded: as a ring, or by the host's own node."""
    graph = Graph(half_grey(family, None))
    rolled = [graph.add("Test_RolledLatent", latent=["sampler", 0], down=down, right=right), 0]
    inputs = {"samples": rolled, "vae": ["small", 2]}
    ring = graph.add("DSG_SeamlessDecode", **inputs, tiles=tiles) if tiles else graph.add("VAEDecode", **inputs)
    shown = [graph.add("PreviewImage", images=[ring, number]) for number in range(2 if tiles else 1)]
    outputs = host.run(graph.nodes)
    one, *tilings = (
        np.asarray(Image.open(io.BytesIO(host.picture(outputs[key]["images"][0])))).astype(int) for key in shown
    )
    for tiling in tilings:
        assert (tiling == np.tile(one, (1 + (tiles != "x"), 1 + (tiles != "y"), 1))).all()
    return one


@pytest.mark.parametrize("family", ["SD 1.5", "Flux"])
@pytest.mark.parametrize(("tiles", "down", "right"), [("both", 3, 2), ("x", 0, 2), ("y", 3, 0)])
def test_a_rolled_latent_is_the_rolled_picture(host, family, tiles, down, right):
    """So the decoder hardly knows where the border is, which it does by itself."""

    def difference(tiles: str | None) -> float:
        plain, rolled = decoded(host, family, tiles, 0, 0), decoded(host, family, tiles, down, right)
        return float(np.abs(np.roll(plain, (PLACE * down, PLACE * right), (0, 1)) - rolled).mean())

    assert difference(tiles) < 0.5 * difference(None)


@pytest.mark.parametrize("gradient", ["exact", "low memory", "finite difference"])
def test_the_losses_see_the_ring_in_each_mode(host, gradient):
    prompt = half_grey("SD 1.5", gradient)
    prompt["loss"] = {
        "class_type": "DSG_SeamlessLoss",
        "inputs": {"conditioning": prompt["loss"]["inputs"]["conditioning"], "tiles": "both", "weight": 1.0}
        | {"start_percent": 0.0, "end_percent": 1.0},
    }
    _, report = run_small(host, prompt)
    values = [step["losses"]["seam"][0] for step in report["steps"] if step["losses"]]
    assert values[-1] < values[0]
    assert any("Seamless VAE Decode" in remark for remark in report["remarks"])
