"""Each task with DSG and without, on the embedded flow-matching model, judged by networks that guidance never sees.

    python -m benchmarks.tasks                     64 pictures a task
    python -m benchmarks.tasks --pictures 16       the first 16 only
    python -m benchmarks.tasks --task FaceID       one task

50 steps. The table goes to `benchmarks/results/tasks.json`, a sheet of each task to `output/benchmarks/`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks.tasks.graph import Graph, run, sample
from benchmarks.tasks.tasks import BATCH, TASKS, Task
from tools.host import REPOSITORY
from tools.server import Client, running_host

MODEL, STEPS = "faces (flow matching)", 50
RATES = {"unguided": None, "DSG, rate 0.1": 0.1, "DSG, rate 0.2": 0.2}
RESULTS = Path(__file__).parent.parent / "results" / "tasks.json"
SHEETS = REPOSITORY / "output" / "benchmarks"


def pictures(host: Client, task: Task, rate: float | None, batch: int) -> np.ndarray:
    """One batch, uint8 `[16, 64, 64, 3]`; unguided without a rate."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name=MODEL, style="any", batch_size=BATCH)
    positive = [model, 1] if rate is None else task.wire(graph, [model, 1], batch)
    shown, report = sample(graph, model, positive, BATCH, batch, STEPS, guidance_rate=rate or 0.0)
    return run(host, graph, shown, report).pictures


def measure(host: Client, name: str, batches: int) -> dict[str, dict[str, float]]:
    """The mean of each figure for each setting."""
    means, rows = {}, []
    for setting, rate in RATES.items():
        figures: dict[str, list[np.ndarray]] = {}
        for batch in range(batches):
            made = pictures(host, TASKS[name], rate, batch)
            for figure, values in TASKS[name].judge(made, batch).items():
                figures.setdefault(figure, []).append(values)
            if batch == 0:
                rows.append(np.concatenate(list(made), axis=1))
        means[setting] = {figure: round(float(np.mean(values)), 3) for figure, values in figures.items()}
    SHEETS.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(SHEETS / f"{name}.png")
    return means


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=64, choices=range(BATCH, 65, BATCH))
    parser.add_argument("--task", choices=list(TASKS), nargs="*", default=list(TASKS))
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with running_host() as host:
        for name in tqdm(options.task, unit="task"):
            results[name] = {"pictures": options.pictures} | measure(host, name, options.pictures // BATCH)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            print(f"\n{name}: {json.dumps(results[name])}", flush=True)


if __name__ == "__main__":
    main()
