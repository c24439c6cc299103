"""Segmentation, face identity, text and style in the host, judged by networks that guidance never sees."""

import numpy as np
import pytest

from tasks.task import TASKS
from tasks.wiring import TEXTS, Batch
from tools.graph import Graph, run, sample
from tools.server import PromptError

STEPS, RATE = 12, 0.2
PEOPLE = Batch(0, 8)


def guided(host, task: str | None, rate: float = RATE, **changes: object) -> np.ndarray:
    """Eight pictures of a task; unguided without one. `changes` are inputs of the task's loss nodes."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=PEOPLE.size)
    positive = [model, 1]
    if task:
        positive = TASKS[task].wire(graph, positive, PEOPLE)
        for node in graph.nodes.values():
            if node["class_type"].endswith("Loss"):
                node["inputs"] |= changes
    shown, report = sample(graph, model, positive, 0, STEPS, guidance_rate=rate)
    return run(host, graph, shown, report).pictures


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return guided(host, None)


def judged(task: str, pictures: np.ndarray) -> float:
    """The mean of what the task is about."""
    return float(next(iter(TASKS[task].judge(pictures, PEOPLE).values())).mean())


def test_segmentation_puts_the_parts_where_they_were_asked(host, unguided):
    assert judged("segmentation", guided(host, "segmentation")) > judged("segmentation", unguided) + 0.2


def test_the_judge_recognises_the_person_that_was_asked_among_100(host, unguided):
    """Chance is 1 %."""
    assert judged("FaceID", unguided) < 0.15
    assert judged("FaceID", guided(host, "FaceID")) > 0.3


def test_a_text_s_attribute_is_shown(host, unguided):
    """Hair is pink in one of nine pictures by chance."""
    assert TEXTS[0][1:] == ("hair_color", "pink")
    assert judged("text", guided(host, "text", rate=0.1)) > judged("text", unguided) + 0.3


def test_the_style_of_the_references_is_recognised(host, unguided):
    """Of four styles of drawing."""
    assert judged("style", guided(host, "style")) > judged("style", unguided) + 0.4


def test_two_losses_hold_together(host, unguided):
    both = guided(host, "FaceID and segmentation")
    figures = {
        name: float(values.mean()) for name, values in TASKS["FaceID and segmentation"].judge(both, PEOPLE).items()
    }
    before = TASKS["FaceID and segmentation"].judge(unguided, PEOPLE)
    assert figures["mean IoU"] > before["mean IoU"].mean() + 0.1
    assert figures["likeness"] > before["likeness"].mean() + 0.2


@pytest.mark.parametrize(
    ("task", "changes", "words"),
    [
        ("segmentation", {"classes": "hair, tail"}, ["no class 'tail'", "background, skin, hair"]),
        ("segmentation", {"classes": "hair:much"}, ["no weight above 0"]),
        ("style", {"layers": "9"}, ["the blocks 1 to 5"]),
        ("style", {"layers": "three"}, ["write one or several"]),
        ("text", {"text": "long " * 60}, ["tokens", "shorten it"]),
        ("text", {"text": " "}, ["the text is empty"]),
        ("FaceID", {"start_percent": 0.9, "end_percent": 0.1}, ["swap"]),
    ],
)
def test_bad_input_is_one_sentence(host, task, changes, words):
    with pytest.raises(PromptError) as error:
        guided(host, task, **changes)
    message = str(error.value)
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert len(message) < 320
