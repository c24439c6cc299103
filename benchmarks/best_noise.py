"""Several noises a picture, the best of which is chosen early, beside more steps at the same number of passes.

    python -m benchmarks.best_noise      an hour on a CPU; goes on where it was stopped

DSG with the automatic rate on the embedded flow-matching model, tasks that networks judge, 64 people. Results go
to `benchmarks/results/best_noise.json`.
"""

import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.tasks.pictures import MEASURED, pictures
from tasks.setting import Setting
from tasks.task import TASKS
from tools.server import Client, running_host

JUDGED = ["FaceID", "text", "style", "text and segmentation", "FaceID and segmentation"]
WAYS = {
    "one noise, 20 steps": Setting("DSG", 1.0, automatic=True),
    "one noise, 40 steps": Setting("DSG", 1.0, automatic=True, steps=40),
    "the best of 4 noises, 20 steps": Setting("DSG", 1.0, automatic=True, tries=4),
}
RESULTS = Path(__file__).parent / "results" / "best_noise.json"


def alignments(host: Client, task: str, setting: Setting) -> list[float]:
    """The task's first figure, of each picture."""
    made = [next(iter(TASKS[task].judge(pictures(host, task, setting, batch), batch).values())) for batch in MEASURED]
    return [float(each) for batch in made for each in batch]


def table(results: dict[str, dict[str, list[float]]]) -> str:
    """Markdown: tasks down, ways across: the mean of 64 people, and its standard error."""
    lines = ["| task | " + " | ".join(WAYS) + " |", "|---" * (len(WAYS) + 1) + "|"]
    for task, found in results.items():
        cells = [
            f"{np.mean(found[way]):.2f} ± {np.std(found[way], ddof=1) / len(found[way]) ** 0.5:.2f}" for way in WAYS
        ]
        lines.append(f"| {task} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    results: dict[str, dict[str, list[float]]] = {}
    with running_host() as host:
        for task in tqdm(JUDGED, unit="task"):
            results[task] = {way: alignments(host, task, setting) for way, setting in WAYS.items()}
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
