"""Simple wishes in the host: the pictures are so, by plain measures of the finished ones."""

import numpy as np
import pytest

from tools.graph import Graph, loss, run, sample
from tools.server import PromptError

SIZE, STEPS = 4, 10


def made(host, kind: str | None, place: bool = False, **inputs: object) -> np.ndarray:
    """Faces in [0, 1], `[8, 64, 64, 3]`; the place is the upper quarter."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=SIZE)
    positive = [model, 1]
    if place:
        black = [graph.add("SolidMask", value=0.0, width=64, height=64), 0]
        white = [graph.add("SolidMask", value=1.0, width=64, height=16), 0]
        both = {"destination": black, "source": white, "x": 0, "y": 0, "operation": "add"}
        inputs["place"] = [graph.add("MaskComposite", **both), 0]
    if kind:
        positive = loss(graph, kind, positive, **inputs)
    return run(host, graph, *sample(graph, model, positive, 0, STEPS, guidance_rate=0.1)).pictures / 255


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return made(host, None)


def asymmetry(pictures: np.ndarray) -> float:
    return float(np.abs(pictures - pictures[:, :, ::-1]).mean())


def test_bright_pictures_are_bright_and_dark_ones_dark(host):
    bright, dark = (made(host, "DSG_AdjustmentLoss", what="brightness", value=value) for value in (0.7, 0.3))
    light = [np.median(pictures @ [0.299, 0.587, 0.114], axis=(1, 2)) for pictures in (bright, dark)]
    assert (light[0] > light[1] + 0.15).all()


def test_faces_are_symmetric(host, unguided):
    assert asymmetry(made(host, "DSG_SymmetryLoss", mirror="left and right")) < 0.5 * asymmetry(unguided)


def test_a_colour_is_at_its_place(host, unguided):
    pictures = made(host, "DSG_ColorLoss", color="gold", place=True)
    gold = np.array([255, 215, 0]) / 255
    near = [np.linalg.norm(each[:, :16] - gold, axis=-1) < 0.35 for each in (pictures, unguided)]
    assert near[0].mean() > 0.7
    assert near[1].mean() < 0.2
    elsewhere = np.linalg.norm(pictures[:, 32:] - gold, axis=-1) < 0.35
    assert elsewhere.mean() < 0.3


@pytest.mark.parametrize(
    ("kind", "inputs", "words"),
    [
        ("DSG_ColorLoss", {"color": "bleu"}, ["Colour Loss", "'bleu' is no colour"]),
        ("DSG_ColorLoss", {"color": ""}, ["Colour Loss", "is no colour"]),
        ("DSG_AdjustmentLoss", {"what": "brightness", "value": 1.5}, ["value", "1"]),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(host, kind, inputs, words):
    with pytest.raises(PromptError) as error:
        made(host, kind, **inputs)
    assert all(word in str(error.value) for word in words), error.value


def test_a_black_place_is_refused(host):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    black = [graph.add("SolidMask", value=0.0, width=64, height=64), 0]
    positive = loss(graph, "DSG_ColorLoss", [model, 1], color="navy", place=black)
    shown = sample(graph, model, positive, 0, 2, guidance_rate=0.1)
    with pytest.raises(PromptError, match="Colour Loss: the place mask is black everywhere"):
        run(host, graph, *shown)
