"""Several noises a picture, the best of which is chosen early, beside more steps at the same number of passes.

    python -m benchmarks.best_noise      an hour on a CPU; goes on where it was stopped

DSG with the automatic rate on the embedded flow-matching model, tasks that networks judge, 64 people. Results go
to `benchmarks/results/best_noise.json`.
"""

import json
from pathlib import Path

from tqdm import tqdm

from benchmarks.tasks.pictures import MEASURED, alignments
from benchmarks.tasks.tables import beside_each_other
from tasks.setting import Setting
from tools.server import running_host

JUDGED = ["FaceID", "text", "style", "text and segmentation"]
WAYS = {
    "one noise, 20 steps": Setting("DSG", 1.0, automatic=True),
    "one noise, 40 steps": Setting("DSG", 1.0, automatic=True, steps=40),
    "the best of 4 noises, 20 steps": Setting("DSG", 1.0, automatic=True, tries=4),
}
RESULTS = Path(__file__).parent / "results" / "best_noise.json"


def main() -> None:
    results: dict[str, dict[str, list[float]]] = {}
    with running_host() as host:
        for task in tqdm(JUDGED, unit="task"):
            results[task] = {way: alignments(host, task, setting, MEASURED) for way, setting in WAYS.items()}
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(beside_each_other(results))


if __name__ == "__main__":
    main()
