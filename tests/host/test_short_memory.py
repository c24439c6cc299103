"""What a run does about memory before its gradient gets less exact: other models go, pictures are decoded in tiles."""

import json

import numpy as np
import pytest

from tools.graph import Graph, loss, run, sample
from tools.server import Client
from tools.workflow import find

RED = 0xFF0000


def red(host: Client, side: int, **odd: tuple[str, dict]) -> tuple[np.ndarray, list[str]]:
    """A picture of `side` pixels that is to be red, and the modes. `odd`: model or vae → a node that changes it."""
    graph = Graph()
    loaded = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    image = [graph.add("EmptyImage", width=side, height=side, batch_size=1, color=RED), 0]
    mask = [graph.add("DSG_RandomMask", image=image, hidden=0.3, seed=0), 0]
    known = {"image": image, "mask": mask, "threshold": 0.5, "restore_known": False}
    positive = loss(graph, "DSG_MaskLoss", [loaded, 1], **known)
    shown, report = sample(graph, loaded, positive, 0, 4, guidance_rate=0.5)
    # Of the host's nodes for empty latents, newer ones give it for another VAE's scale; this one does in no host.
    size = {"width": 4 * side, "height": 4 * side}
    latent = graph.add("LatentUpscale", samples=[loaded, 4], upscale_method="area", crop="disabled", **size)
    sampler = graph.nodes[graph.nodes[report]["inputs"]["report"][0]]["inputs"]
    sampler["latent_image"] = [latent, 0]
    for name, (kind, inputs) in odd.items():
        changed = graph.add(kind, **{name: sampler[name]}, **inputs)
        sampler[name] = [changed, 0]
    made = run(host, graph, shown, report)
    return made.pictures, made.report["gradient_modes"]


def test_a_decoder_without_memory_decodes_in_tiles_and_guides_as_before(host):
    expected, modes = red(host, 96)
    assert modes == ["exact"]
    found, modes = red(host, 96, vae=("Test_SmallDecoder", {}))
    assert modes == ["exact", "low memory", "low memory, decoding in tiles"]
    assert found.shape == (1, 96, 96, 3)
    assert np.abs(found.astype(int) - expected).max() <= 2  # this VAE sees single latents, so tiles have no seams
    assert "the estimate is decoded in tiles" in host.log.read_text()


def test_a_picture_of_one_tile_is_not_cut(host):
    _, modes = red(host, 64, vae=("Test_SmallDecoder", {}))
    assert modes == ["exact"]


@pytest.mark.parametrize(("megabytes", "modes"), [(1.0, ["exact", "low memory"]), (20000.0, ["exact"])])
def test_the_automatic_mode_is_chosen_by_the_host_s_free_memory(host, fresh, megabytes, modes):
    expected, _ = red(host, 64)
    found, taken = red(host, 64, model=("Test_BusyDevice", {"megabytes": megabytes}))
    assert taken == modes
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("others", "modes"), [(True, ["exact"]), (False, ["exact", "low memory"])])
def test_other_models_are_unloaded_before_the_gradient_gets_cheaper(host, fresh, guided, others, modes):
    """Memory runs out once. The other model has made the latent that the guided run starts from."""
    sampler = guided[find(guided, "DSG_KSampler")]["inputs"]
    memory = {"model": sampler["model"], "failing": 300}
    guided["memory"] = {"class_type": "Test_LittleMemory", "inputs": memory}
    sampler["model"] = ["memory", 0]
    if others:
        settings = {"model_name": "faces (flow matching)", "style": "any", "batch_size": 1}
        guided["other"] = {"class_type": "DSG_LoadEmbeddedModel", "inputs": settings}
        plain = {
            "model": ["other", 0],
            "positive": ["other", 1],
            "negative": ["other", 2],
            "latent_image": ["other", 4],
        }
        plain |= {name: sampler[name] for name in ("cfg", "scheduler", "denoise", "seed")}
        guided["plain"] = {"class_type": "KSampler", "inputs": plain | {"sampler_name": "euler", "steps": 1}}
        sampler["latent_image"] = ["plain", 0]
    outputs = host.run(guided)
    report = json.loads(outputs[find(guided, "DSG_GuidanceReport")]["text"][0])
    assert report["gradient_modes"] == modes
    assert ("DSG: memory is short; other models were unloaded." in report["remarks"]) == others
