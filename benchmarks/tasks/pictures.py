"""The pictures that a setting makes for a task, kept, so that a benchmark goes on where it was stopped.

They know nothing of the code that made them: after a change of the sampler or of a loss, delete their folder.
"""

import numpy as np

from embedded.evaluation.frechet import frechet_distance, reference_statistics
from tasks.judging import face_judge, tensor
from tasks.setting import Setting
from tasks.task import CONDITIONS, TASKS
from tasks.wiring import Batch
from tools.comfyui import REPOSITORY
from tools.graph import Graph, run
from tools.server import Client

FOLDER = REPOSITORY / "output" / "benchmarks" / "pictures"
TUNING = [Batch(4)]  # on whom strengths are chosen
MEASURED = [Batch(number) for number in range(4)]


def pictures(host: Client, task: str, setting: Setting, batch: Batch) -> np.ndarray:
    """One batch, uint8 `[N, 64, 64, 3]`. Unguided pictures are the same for all tasks."""
    path = FOLDER / (task if setting.guided else "any task") / f"{setting.key}-{batch.number}x{batch.size}.npy"
    if not path.exists():
        graph = Graph()
        model = graph.add("DSG_LoadEmbeddedModel", model_name=setting.model, style="any", batch_size=batch.size)
        positive = [model, 1]
        if setting.guided:
            positive = (TASKS | CONDITIONS)[task].wire(graph, positive, batch)
        made = run(host, graph, *setting.sample(graph, model, positive, seed=batch.number))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, made.pictures)
    return np.load(path)


def figures(host: Client, task: str, setting: Setting, batches: list[Batch]) -> dict[str, float]:
    """The mean of each of the task's figures, and of 64 or more pictures the Fréchet distance to the test faces."""
    made = [pictures(host, task, setting, batch) for batch in batches]
    each = [TASKS[task].judge(*pair) for pair in zip(made, batches)]
    means = {name: round(float(np.mean([found[name] for found in each])), 3) for name in each[0]}
    if sum(map(len, made)) >= 64:
        means["Fréchet distance"] = distance_to_faces(made)
    return means


def distance_to_faces(made: list[np.ndarray]) -> float:
    """The Fréchet distance of pictures to the test faces."""
    features = face_judge().features(tensor(np.concatenate(made)))
    return round(frechet_distance(features, reference_statistics()), 1)


def alignments(host: Client, task: str, setting: Setting, batches: list[Batch]) -> list[float]:
    """The figure that the task is about, of each picture."""
    made = [next(iter(TASKS[task].judge(pictures(host, task, setting, batch), batch).values())) for batch in batches]
    return [float(each) for batch in made for each in batch]


def alignment(host: Client, task: str, setting: Setting, batches: list[Batch]) -> float:
    """The figure that the task is about."""
    return next(iter(figures(host, task, setting, batches).values()))
