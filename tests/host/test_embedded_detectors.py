"""The detectors that come with the pack guide, judged by a network that they never saw."""

import numpy as np
import pytest

from tasks.setting import UNGUIDED, Setting
from tasks.task import CONDITIONS
from tasks.wiring import Batch
from tools.graph import Graph, run
from tools.server import Client

PEOPLE, STEPS = Batch(0, size=6), 12


def judged(host: Client, task: str, setting: Setting) -> dict[str, float]:
    """The means of the task's figures over the pictures."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name=setting.model, style="any", batch_size=PEOPLE.size)
    positive = CONDITIONS[task].wire(graph, [model, 1], PEOPLE) if setting.guided else [model, 1]
    made = run(host, graph, *setting.sample(graph, model, positive, seed=0))
    return {name: float(np.mean(values)) for name, values in CONDITIONS[task].judge(made.pictures, PEOPLE).items()}


@pytest.mark.parametrize(
    ("task", "figure", "gain"), [("objects", "IoU of boxes", 0.05), ("landmarks", "distance of points, pixels", -0.5)]
)
def test_the_pictures_come_closer_to_what_was_asked(host, task, figure, gain):
    unguided, guided = (judged(host, task, Setting(how, 0.1, steps=STEPS))[figure] for how in (UNGUIDED.method, "DSG"))
    assert (guided - unguided) / gain > 1, f"{unguided:.2f} unguided, {guided:.2f} guided"
