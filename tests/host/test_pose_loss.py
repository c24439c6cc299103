"""Pose in the host: eyes and mouths come to lie where they lie on references, by a judge that guidance never sees."""

import pytest

from tasks.judging import judge_landmarks
from tasks.wiring import Batch
from tools.graph import Graph, Result, loss, run, sample
from tools.server import PromptError

COUNT, SIDE = 6, 64


def guided(
    host, count: int = COUNT, steps: int = 12, mask: float | None = None, name: str = "faces", **changes
) -> Result:
    """Each picture is to have the keypoints of one of the first people.

    Args:
        mask: the value of a person mask over the whole picture.
    """
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=count)
    network = graph.add("DSG_LoadPoseModel", model_name=name)
    inputs = {"image": [graph.add("DSG_LoadEmbeddedFaces", first=0, count=count, picture="first"), 0]}
    if mask is not None:
        inputs["person_mask"] = [graph.add("SolidMask", value=mask, width=SIDE, height=SIDE), 0]
    positive = loss(graph, "DSG_PoseLoss", [model, 1], model=[network, 0], **(inputs | changes))
    return run(host, graph, *sample(graph, model, positive, 0, steps, guidance_rate=0.1))


def distance(made: Result) -> float:
    """Mean distance in pixels of the points that the judge sees from those of the references."""
    return judge_landmarks(made.pictures, Batch(0, COUNT))["distance of points, pixels"].mean()


@pytest.fixture(scope="module")
def unguided(host) -> Result:
    return guided(host, weight=0.0)


@pytest.mark.parametrize("mask", [None, 1.0])
def test_keypoints_come_to_lie_where_the_references_have_them(host, unguided, mask):
    made = guided(host, mask=mask)
    assert made.report["skipped"] == 0
    assert distance(made) < 0.6 * distance(unguided)


def test_a_black_mask_is_one_sentence(host):
    with pytest.raises(PromptError, match=r"^Pose Loss: the person mask is black everywhere; [^\n]*$"):
        guided(host, 1, 2, mask=0.0)


def test_a_reference_without_a_person_is_one_sentence(host):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    network = graph.add("DSG_LoadPoseModel", model_name="faces")
    grey = graph.add("EmptyImage", width=64, height=64, batch_size=1, color=0)
    positive = loss(graph, "DSG_PoseLoss", [model, 1], model=[network, 0], image=[grey, 0])
    with pytest.raises(PromptError, match=r"Pose Loss.* the model sees no person on reference picture 1"):
        run(host, graph, *sample(graph, model, positive, 0, 2, guidance_rate=0.2))


def test_a_folder_that_is_not_there_says_where_to_put_one(host):
    with pytest.raises(PromptError, match=r"Load Pose Model: there is no .* in .*/dsg/pose"):
        guided(host, 1, 2, name="there is none yet")


def test_the_pose_of_a_picture_is_previewed(host):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    network = graph.add("DSG_LoadPoseModel", model_name="faces")
    face = graph.add("DSG_LoadEmbeddedFaces", first=0, count=1, picture="first")
    positive = loss(graph, "DSG_PoseLoss", [model, 1], model=[network, 0], image=[face, 0])
    seen = graph.add("DSG_LossPreview", conditioning=positive, image=[face, 0])
    value, shown = graph.add("PreviewAny", source=[seen, 1]), graph.add("PreviewImage", images=[seen, 0])
    outputs = host.run(graph.nodes)
    assert float(outputs[value]["text"][0].split(": ")[1]) == pytest.approx(0, abs=1e-3)
    assert outputs[shown]["images"]
