"""The pictures that a setting makes for a task, kept, so that a benchmark goes on where it was stopped.

They know nothing of the code that made them: after a change of the sampler or of a loss, delete their folder.
"""

import numpy as np

from benchmarks.frechet import frechet_distance, reference_statistics
from benchmarks.tasks.graph import Graph, run
from benchmarks.tasks.judging import face_judge, tensor
from benchmarks.tasks.setting import Setting
from benchmarks.tasks.task import TASKS
from benchmarks.tasks.wiring import BATCH
from tools.host import REPOSITORY
from tools.server import Client

FOLDER = REPOSITORY / "output" / "benchmarks" / "pictures"
TUNING, MEASURED = 4, range(4)  # batches: of people 64 to 79, on whom strengths are chosen, and of the first 64


def pictures(host: Client, task: str, setting: Setting, batch: int) -> np.ndarray:
    """One batch, uint8 `[16, 64, 64, 3]`. Unguided pictures are the same for all tasks."""
    path = FOLDER / (task if setting.guided else "any task") / f"{setting.key}-{batch}.npy"
    if not path.exists():
        graph = Graph()
        model = graph.add("DSG_LoadEmbeddedModel", model_name=setting.model, style="any", batch_size=BATCH)
        positive = [model, 1]
        if setting.guided:
            positive = TASKS[task].wire(graph, positive, batch)
        made = run(host, graph, *setting.sample(graph, model, positive, seed=batch))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, made.pictures)
    return np.load(path)


def figures(host: Client, task: str, setting: Setting, batches: range) -> dict[str, float]:
    """The mean of each of the task's figures, and of 64 or more pictures the Fréchet distance to the test faces."""
    made = [pictures(host, task, setting, batch) for batch in batches]
    each = [TASKS[task].judge(batch, number) for batch, number in zip(made, batches)]
    means = {name: round(float(np.mean([found[name] for found in each])), 3) for name in each[0]}
    if len(made) * BATCH >= 64:
        features = face_judge().features(tensor(np.concatenate(made)))
        means["Fréchet distance"] = round(frechet_distance(features, reference_statistics()), 1)
    return means


def alignment(host: Client, task: str, setting: Setting) -> float:
    """The figure that the task is about, on the pictures for tuning."""
    return next(iter(figures(host, task, setting, range(TUNING, TUNING + 1)).values()))
