"""Similarity in the host: pictures come to look like their references, to a network that guidance never sees."""

import numpy as np
import pytest

from embedded.held_out import held_out_faces
from embedded.judges.attributes import FaceJudge
from tasks.judging import tensor
from tools.graph import Graph, Result, loss, run, sample
from tools.server import PromptError

OPEN_CLIP = ("clip", "DSG_LoadCLIP", {"clip_name": "faces", "architecture": "from the folder"})


def guided(host, network: tuple[str, str, dict] | None, count: int = 8, steps: int = 12, **changes) -> Result:
    """Each picture is to be like one held-out person. `changes`: inputs of the loss; a `place` is its value."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=count)
    image = [graph.add("DSG_LoadEmbeddedFaces", first=0, count=count, picture="first"), 0]
    inputs = {"image": image, "compare": "overall", "layers": "-2"} | changes
    if network:
        name, kind, widgets = network
        inputs[name] = [graph.add(kind, **widgets), 0]
    if "place" in inputs:
        inputs["place"] = [graph.add("SolidMask", value=inputs["place"], width=64, height=64), 0]
    positive = loss(graph, "DSG_SimilarityLoss", [model, 1], **inputs)
    return run(host, graph, *sample(graph, model, positive, 0, steps, guidance_rate=0.2))


def unlikeness(pictures: np.ndarray) -> float:
    """To the references, by the judge: see `FaceJudge.perceptual_distance`."""
    wanted = tensor(held_out_faces()[: len(pictures)])
    return float(FaceJudge.load().perceptual_distance(tensor(pictures), wanted).mean())


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return guided(host, OPEN_CLIP, weight=0.0).pictures


@pytest.mark.parametrize("compare", ["overall", "place by place"])
def test_pictures_look_like_their_references(host, unguided, compare):
    pictures = guided(host, OPEN_CLIP, compare=compare).pictures
    assert unlikeness(pictures) < 0.85 * unlikeness(unguided)


@pytest.mark.parametrize("kind", ["CLIP", "DINOv2", "SigLIP2 NaFlex"])
def test_a_clip_vision_guides(host, kind):
    vision = ("clip_vision", "Test_ClipVision", {"kind": kind})
    result = guided(host, vision, 1, 3, place=1.0, layers="2, -1")
    losses = [step["losses"]["similarity"] for step in result.report["steps"] if step["losses"]]
    assert result.report["skipped"] == 0
    assert losses
    assert ((np.array(losses) > 0) & (np.array(losses) < 2)).all()


@pytest.mark.parametrize(
    ("network", "changes", "words"),
    [
        (None, {}, "connect one network"),
        (OPEN_CLIP, {"layers": "-6"}, "this network has the blocks 1 to 5"),
        (OPEN_CLIP, {"layers": "0"}, "this network has the blocks 1 to 5"),
        (OPEN_CLIP, {"place": 0.0}, "the place mask is black everywhere"),
    ],
)
def test_bad_input_is_one_sentence(host, network, changes, words):
    with pytest.raises(PromptError) as error:
        guided(host, network, 1, 2, **changes)
    assert words in str(error.value)
    assert str(error.value).startswith("Similarity Loss")
    assert "\n" not in str(error.value)
