"""Depth in the host: pictures get the relief of their references, by a judge that guidance never sees."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from embedded.face_parts import relief
from embedded.held_out import held_out_maps
from embedded.judges.segmentation import SegmentationJudge
from tasks.judging import tensor
from tools.graph import Graph, Result, loss, run, sample
from tools.server import PromptError

COUNT = 8


def guided(
    host, source: str | None = "image", count: int = COUNT, steps: int = 12, name: str = "faces", **changes
) -> Result:
    """Pictures that are to have the relief of the first people, by their pictures or by a depth map of the first.

    Args:
        source: "image"; or "depth_map": white where the first person is.
    """
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=count)
    network = graph.add("DSG_LoadDepthModel", model_name=name)
    faces = graph.add("DSG_LoadEmbeddedFaces", first=0, count=count, picture="first")
    segmenter = graph.add("DSG_LoadSegmentationModel", model_name="faces")
    person = graph.add("DSG_SegmentPicture", model=[segmenter, 0], image=[faces, 0], classes="background")
    light = graph.add("MaskToImage", mask=[graph.add("InvertMask", mask=[person, 1]), 0])
    sources = {"image": [faces, 0], "depth_map": [light, 0], "coloured": [faces, 0]}
    inputs = {"depth_map" if source == "coloured" else source: sources[source]} if source else {}
    positive = loss(graph, "DSG_DepthLoss", [model, 1], model=[network, 0], **(inputs | changes))
    return run(host, graph, *sample(graph, model, positive, 0, steps, guidance_rate=0.2))


@torch.no_grad()
def likeness(pictures: np.ndarray, wanted: np.ndarray) -> float:
    """Mean rank correlation of the relief that the judge sees with those that are wanted, `[N, 64, 64]`."""
    found = relief(SegmentationJudge.load()(tensor(pictures)).argmax(1)).numpy()
    return float(np.mean([spearmanr(one.ravel(), other.ravel())[0] for one, other in zip(found, wanted)]))


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return guided(host, weight=0.0).pictures


def test_pictures_get_the_relief_of_their_references(host, unguided):
    wanted = relief(torch.from_numpy(held_out_maps()[:COUNT]).long()).numpy()
    made = guided(host).pictures
    assert likeness(made, wanted) > likeness(unguided, wanted) + 0.5 * (1 - likeness(unguided, wanted))


def test_pictures_get_the_relief_of_a_depth_map(host, unguided):
    wanted = (held_out_maps()[:COUNT] > 0).astype(np.float32)
    made = guided(host, "depth_map").pictures
    assert likeness(made, wanted) > likeness(unguided, wanted) + 0.5 * (1 - likeness(unguided, wanted))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": None}, "connect either an image, whose depth is copied, or a depth map"),
        ({"source": "coloured"}, "the depth map is coloured"),
    ],
)
def test_bad_input_is_one_sentence(host, changes, words):
    with pytest.raises(PromptError) as error:
        guided(host, count=1, steps=2, **changes)
    assert str(error.value).startswith("Depth Loss: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_map_without_relief_is_one_sentence(host):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    network = graph.add("DSG_LoadDepthModel", model_name="faces")
    grey = graph.add("EmptyImage", width=64, height=64, batch_size=1, color=0x808080)
    positive = loss(graph, "DSG_DepthLoss", [model, 1], model=[network, 0], depth_map=[grey, 0])
    with pytest.raises(PromptError, match=r"Depth Loss.* the depth that is asked for is the same everywhere"):
        run(host, graph, *sample(graph, model, positive, 0, 2, guidance_rate=0.2))


def test_a_folder_that_is_not_there_says_where_to_put_one(host):
    with pytest.raises(PromptError, match=r"Load Depth Model: there is no .* in .*/dsg/depth"):
        guided(host, count=1, steps=2, name="there is none yet")


def test_both_maps_are_previewed(host):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    network = graph.add("DSG_LoadDepthModel", model_name="faces")
    one, other = (graph.add("DSG_LoadEmbeddedFaces", first=first, count=1, picture="first") for first in (0, 1))
    positive = loss(graph, "DSG_DepthLoss", [model, 1], model=[network, 0], image=[one, 0])
    values = []
    for face in (one, other):
        seen = graph.add("DSG_LossPreview", conditioning=positive, image=[face, 0])
        values.append(graph.add("PreviewAny", source=[seen, 1]))
    outputs = host.run(graph.nodes)
    same, different = (float(outputs[key]["text"][0].split(": ")[1]) for key in values)
    assert same == pytest.approx(0, abs=1e-3)
    assert 0.05 < different < 2
