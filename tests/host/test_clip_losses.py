"""Style and text in the host: each style of drawing, several losses at once, the host's own CLIP, and wrong files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from embedded.held_out import STYLES
from tasks.task import TASKS
from tasks.wiring import Batch
from tools.graph import Graph, Result, run, sample
from tools.server import PromptError

EMBEDDED_MODEL = "faces (flow matching)"


def made(host, task: str, batch: Batch, steps: int = 12) -> np.ndarray:
    """The pictures of a task of the benchmark."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name=EMBEDDED_MODEL, style="any", batch_size=batch.size)
    positive = TASKS[task].wire(graph, [model, 1], batch)
    return run(host, graph, *sample(graph, model, positive, batch.number, steps, guidance_rate=0.1)).pictures


def styled(host, networks: dict[str, tuple[str, dict]], **changes: object) -> Result:
    """Two pictures in three steps. `networks`: input of Style Loss → the node that gives it, and that node's inputs."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name=EMBEDDED_MODEL, style="any", batch_size=2)
    inputs = {name: [graph.add(kind, **widgets), 0] for name, (kind, widgets) in networks.items()}
    inputs["image"] = [graph.add("DSG_LoadEmbeddedFaces", first=2, count=1), 0]
    settings = {"layers": "3, 2", "distance": "log-Gram", "weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
    loss = graph.add("DSG_StyleLoss", conditioning=[model, 1], **(settings | inputs | changes))
    return run(host, graph, *sample(graph, model, [loss, 0], 0, 3, guidance_rate=0.2))


OPEN_CLIP = {"clip": ("DSG_LoadCLIP", {"clip_name": "faces", "architecture": "from the folder"})}
CLIP_VISION = {"clip_vision": ("Test_ClipVision", {"kind": "CLIP"})}


def losses(result: Result) -> list[list[float]]:
    return [step["losses"]["style"] for step in result.report["steps"] if step["losses"]]


@pytest.mark.parametrize("batch", [Batch(number, 8) for number in range(len(STYLES))], ids=STYLES)
def test_each_style_of_drawing_is_recognised(host, batch):
    """Chance is 25 %."""
    assert TASKS["style"].judge(made(host, "style", batch), batch)["right style"].mean() > 0.6


def test_text_and_style_hold_together(host):
    """Pink hair in the style toon: 3 % by chance."""
    batch = Batch(0, 8)
    figures = TASKS["text and style"].judge(made(host, "text and style", batch), batch)
    assert figures["both"].mean() > 0.4


@pytest.mark.parametrize("distance", ["log-Gram", "Gram"])
def test_the_host_s_clip_vision_sees_what_open_clip_sees(host, distance):
    """The same weights, loaded by the host's class and by open_clip's, guide alike."""
    open_clip, clip_vision = (styled(host, network, distance=distance) for network in (OPEN_CLIP, CLIP_VISION))
    assert clip_vision.report["skipped"] == 0
    assert len(losses(clip_vision)) == 2
    np.testing.assert_allclose(losses(clip_vision), losses(open_clip), rtol=1e-2)
    assert np.abs(clip_vision.pictures.astype(float) - open_clip.pictures).mean() < 2


def refused(host, networks: dict[str, tuple[str, dict]]) -> str:
    with pytest.raises(PromptError) as error:
        styled(host, networks)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", ["SigLIP", "SigLIP2 NaFlex", "DINOv2", "registers"])
def test_a_clip_vision_of_any_kind_guides(host, kind):
    """With a class token, without, and with registers; for pictures of one size and of any."""
    result = styled(host, {"clip_vision": ("Test_ClipVision", {"kind": kind})})
    assert result.report["skipped"] == 0
    assert len(losses(result)) == 2
    assert np.isfinite(losses(result)).all()


@pytest.mark.parametrize("kind", ["convolutions", "without a gradient"])
def test_a_clip_vision_that_cannot_guide_is_an_error_that_says_so(host, kind):
    message = refused(host, {"clip_vision": ("Test_ClipVision", {"kind": kind})})
    assert "Style Loss: this CLIP_VISION gives no tokens with a gradient; load a vision transformer" in message
    assert len(message) < 320


@pytest.mark.parametrize("networks", [{}, OPEN_CLIP | CLIP_VISION])
def test_no_network_and_two_are_errors_that_say_so(host, networks):
    assert "connect one network" in refused(host, networks)


@pytest.fixture
def other_file(base) -> str:
    """A file of weights that is no CLIP's, among the host's text encoders."""
    folder = Path(base, "models", "text_encoders")
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"encoder.weight": torch.zeros(2, 2)}, folder / "other.safetensors")
    return "other.safetensors"


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("from the folder", "is a single file, which does not say what it is"),
        ("ViT-B-16", "is no open_clip checkpoint"),
    ],
)
def test_wrong_files_are_errors_that_say_so(host, other_file, architecture, words):
    clip = ("DSG_LoadCLIP", {"clip_name": other_file, "architecture": architecture})
    assert words in refused(host, {"clip": clip})
