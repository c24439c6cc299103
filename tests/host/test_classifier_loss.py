"""An image classifier guides: hair gets the colour that it knows, to a judge that guidance never sees."""

import numpy as np
import pytest

from embedded.judges.attributes import FaceJudge
from tasks.judging import tensor
from tools.graph import Graph, Result, loss, run, sample
from tools.server import PromptError

COLORS = ["blue", "pink", "white"]


def guided(host, classes: str, count: int = 8, steps: int = 12, name: str = "faces", **changes) -> Result:
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=count)
    network = graph.add("DSG_LoadClassifier", model_name=name)
    positive = loss(graph, "DSG_ClassifierLoss", [model, 1], model=[network, 0], classes=classes, **changes)
    return run(host, graph, *sample(graph, model, positive, 0, steps, guidance_rate=0.2))


def share(pictures: np.ndarray, colors: list[str]) -> float:
    """Of the pictures whose hair has one of these colours, by the judge."""
    return float(np.mean([color in colors for color in FaceJudge.load().attributes(tensor(pictures))["hair_color"]]))


def test_the_picture_shows_the_class_or_one_of_several(host):
    unguided = guided(host, "blue hair", weight=0.0).pictures
    for colors in (COLORS[:1], COLORS[1:3]):
        pictures = guided(host, ", ".join(f"{color} hair" for color in colors).upper()).pictures
        assert share(pictures, colors) > share(unguided, colors) + 0.4


@pytest.mark.parametrize("classes", ["unicorn", "", "blue hair,"])
def test_a_class_that_is_not_there_is_one_sentence(host, classes):
    with pytest.raises(PromptError) as error:
        guided(host, classes, 1, 2)
    assert str(error.value).startswith("Classifier Loss: the model has no class")
    assert "blue hair" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_not_there_says_where_to_put_one(host):
    with pytest.raises(PromptError, match=r"Load Classifier: there is no .* in .*/dsg/classifier"):
        guided(host, "x", 1, 2, name="there is none yet")
