"""A classifier of the user's guides: backgrounds get the colour that it knows, to a judge that guidance never sees."""

import shutil

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import ResNetConfig, ResNetForImageClassification

from embedded.held_out import held_out_faces, held_out_facts
from embedded.judges.attributes import FaceJudge
from tasks.judging import tensor
from tools.graph import Graph, Result, loss, run, sample
from tools.server import PromptError

COLORS = FaceJudge.load().classes["background"]


@pytest.fixture(scope="module")
def classifier(base):
    """A small ResNet that has learned the backgrounds of the held-out people, among the user's models."""
    torch.manual_seed(0)
    sizes = {"embedding_size": 16, "hidden_sizes": [16, 32, 32], "depths": [1, 1, 1], "layer_type": "basic"}
    network = ResNetForImageClassification(ResNetConfig(**sizes, id2label=dict(enumerate(COLORS)))).train()
    labels = torch.tensor([COLORS.index(facts["background"]) for facts in held_out_facts()])
    images = (tensor(held_out_faces()) - 0.5) / 0.5
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(60):
        chosen = torch.randint(len(images), (64,))
        optimizer.zero_grad()
        F.cross_entropy(network(images[chosen]).logits, labels[chosen]).backward()
        optimizer.step()
    folder = base / "models" / "dsg" / "classifier" / "backgrounds"
    network.save_pretrained(folder)
    prepared = '{"size": {"height": 64, "width": 64}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'
    (folder / "preprocessor_config.json").write_text(prepared)
    yield folder.name
    shutil.rmtree(folder)


def guided(host, name: str, classes: str, count: int = 8, steps: int = 12, **changes) -> Result:
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=count)
    network = graph.add("DSG_LoadClassifier", model_name=name)
    positive = loss(graph, "DSG_ClassifierLoss", [model, 1], model=[network, 0], classes=classes, **changes)
    return run(host, graph, *sample(graph, model, positive, 0, steps, guidance_rate=0.2))


def share(pictures: np.ndarray, colors: list[str]) -> float:
    """Of the pictures whose background is one of these, by the judge."""
    return float(np.mean([color in colors for color in FaceJudge.load().attributes(tensor(pictures))["background"]]))


def test_the_picture_shows_the_class_or_one_of_several(host, classifier):
    unguided = guided(host, classifier, COLORS[0], weight=0.0).pictures
    for colors in (COLORS[:1], COLORS[1:3]):
        pictures = guided(host, classifier, ", ".join(colors).upper()).pictures
        assert share(pictures, colors) > share(unguided, colors) + 0.4


@pytest.mark.parametrize("classes", ["unicorn", "", f"{COLORS[0]},"])
def test_a_class_that_is_not_there_is_one_sentence(host, classifier, classes):
    with pytest.raises(PromptError) as error:
        guided(host, classifier, classes, 1, 2)
    assert str(error.value).startswith("Classifier Loss: the model has no class")
    assert COLORS[0] in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_not_there_says_where_to_put_one(host):
    with pytest.raises(PromptError, match=r"Load Classifier: there is no .* in .*/dsg/classifier"):
        guided(host, "there is none yet", "x", 1, 2)
