"""Weights that the host lends for the span of a layer's call guide as those that stay.

Dynamic patchers are imitated on the CPU (see dynamic_weights.py).
"""

import io
import json

import numpy as np
import pytest
from graphs import Run, apart, losses
from PIL import Image

from tasks.task import TASKS
from tasks.wiring import Batch, faces
from tools.graph import Graph, loss

MODES = ["auto", "exact", "low memory", "finite difference", "none"]
NEARLY = 1e-4  # of latents in about [−1, 1]


def run(host, dynamic: bool, gradient: str = "auto", wire=None, lora: str | None = None, **settings):
    setting = Run(gradient, **settings)
    if lora:
        setting.through("LoraLoaderModelOnly", lora_name=lora, strength_model=1.0)
    if dynamic:
        models = setting.graph.add("Test_DynamicWeights", model=setting.model, vae=setting.vae)
        setting.model, setting.vae = [models, 0], [models, 1]
    setting.guide(*([wire] if wire else []))
    return setting.outcome(host)


@pytest.mark.parametrize("custom", [False, True], ids=["KSampler", "SamplerCustom"])
@pytest.mark.parametrize("gradient", MODES)
def test_each_mode_guides_as_with_plain_weights(host, gradient, custom):
    plain, expected = run(host, False, gradient, custom=custom)
    lent, report = run(host, True, gradient, custom=custom)
    assert apart(plain, lent) < NEARLY
    if not custom:
        assert report["gradient_modes"] == expected["gradient_modes"] == ["exact" if gradient == "auto" else gradient]
        assert losses(report)[-1] < losses(report)[0]
        assert losses(report) == pytest.approx(losses(expected), rel=0.01)
        assert report["remarks"] == []


@pytest.mark.parametrize("gradient", ["exact", "low memory"])
def test_a_lora_is_fetched_with_the_weights(host, lora, gradient):
    plain, _ = run(host, False, gradient, lora=lora)
    assert apart(plain, run(host, True, gradient, lora=lora)[0]) < NEARLY
    assert apart(plain, run(host, False, gradient)[0]) > 0.01


@pytest.mark.parametrize("task", ["segmentation", "FaceID", "style", "text"])
def test_each_loss_with_a_network_guides_as_with_plain_weights(host, task):
    plain, _ = run(host, False, wire=TASKS[task].wire)
    lent, report = run(host, True, wire=TASKS[task].wire)
    assert apart(plain, lent) < NEARLY
    assert report["gradient_modes"] == ["exact"]


@pytest.mark.parametrize("custom", [False, True], ids=["KSampler", "SamplerCustom"])
def test_style_through_a_clip_vision_whose_weights_are_lent(host, custom):
    def wire(dynamic: bool):
        def style(graph: Graph, conditioning, batch: Batch):
            vision = [graph.add("Test_ClipVision", kind="CLIP"), 0]
            if dynamic:
                vision = [graph.add("Test_DynamicWeights", clip_vision=vision), 2]
            wanted = {"clip_vision": vision, "image": faces(graph, batch.people), "layers": "3", "distance": "log-Gram"}
            return loss(graph, "DSG_StyleLoss", conditioning, **wanted)

        return style

    plain, _ = run(host, False, wire=wire(False), custom=custom)
    assert apart(plain, run(host, True, wire=wire(True), custom=custom)[0]) < NEARLY


def test_a_second_run_and_one_after_an_error_are_as_the_first(host):
    first, _ = run(host, True)
    other, _ = run(host, True, steps=5)
    assert len(first) == len(other)
    assert apart(first, run(host, True)[0]) == 0
    setting = Run("auto", steps=6)
    models = setting.graph.add("Test_DynamicWeights", model=setting.model, vae=setting.vae)
    setting.model, setting.vae = [models, 0], [models, 1]
    setting.through("Test_OutOfMemoryModel", times=1)
    setting.guide()
    setting.outcome(host)
    assert apart(first, run(host, True)[0]) == 0


def painted(host, dynamic: bool, gradient: str, family: str) -> tuple[np.ndarray, dict]:
    """A small picture that is to be grey in its left half, through the host's own VAE."""
    graph = Graph()
    small = graph.add("Test_SmallModel", family=family)
    model, vae = [small, 0], [small, 2]
    if dynamic:
        models = graph.add("Test_DynamicWeights", model=model, vae=vae)
        model, vae = [models, 0], [models, 1]
    image = [graph.add("EmptyImage", width=64, height=64, batch_size=1, color=0x808080), 0]
    mask = [graph.add("DSG_RandomMask", image=image, hidden=0.5, seed=0), 0]
    positive = loss(graph, "DSG_MaskLoss", [small, 1], image=image, mask=mask, threshold=0.5, restore_known=False)
    method = [graph.add("DSG_GuidanceMethod", method="DSG", step_size=0.0, gradient=gradient), 0]
    settings = {"guidance_rate": 0.5, "seed": 0, "steps": 4, "cfg": 1.0, "scheduler": "normal", "denoise": 1.0}
    sampled = graph.add(
        "DSG_KSampler",
        model=model,
        positive=positive,
        negative=[small, 1],
        latent_image=[small, 3],
        vae=vae,
        method=method,
        **settings,
    )
    decoded = graph.add("VAEDecode", samples=[sampled, 0], vae=[small, 2])
    shown = graph.add("PreviewImage", images=[decoded, 0])
    report = graph.add("DSG_GuidanceReport", report=[sampled, 1])
    outputs = host.run(graph.nodes)
    files = [host.picture(entry) for entry in outputs[shown]["images"]]
    pictures = np.stack([np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int) for file in files])
    return pictures, json.loads(outputs[report]["text"][0])


@pytest.mark.parametrize("gradient", ["exact", "low memory", "finite difference"])
@pytest.mark.parametrize("family", ["SD3", "Flux", "Wan"])
def test_a_model_and_its_vae_of_lent_weights(host, family, gradient):
    plain, expected = painted(host, False, gradient, family)
    lent, report = painted(host, True, gradient, family)
    assert report["gradient_modes"] == [gradient]
    assert losses(report) == pytest.approx(losses(expected), rel=0.01)
    assert np.abs(plain - lent).max() <= 1


def test_memory_after_ten_runs_is_as_after_one(host):
    def weights() -> int:
        graph = Graph()
        graph.add("Test_LiveWeights")
        return int(host.run(graph.nodes)["1"]["text"][0])

    run(host, True, inputs={"seed": 100})
    first = weights()
    for seed in range(101, 110):
        run(host, True, inputs={"seed": seed})
    assert weights() <= first
