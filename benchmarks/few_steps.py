"""Eight steps by losses of networks: other rates, and each step taken more than once.

    python -m benchmarks.few_steps      half an hour of one core; goes on where it was stopped

DSG and the automatic rate on the embedded flow-matching model, 32 people. Results go to
`benchmarks/results/few_steps.json`.
"""

import json
from pathlib import Path

from tqdm import tqdm

from benchmarks.tasks.pictures import MEASURED, alignments
from benchmarks.tasks.tables import beside_each_other
from tasks.setting import Setting
from tools.server import running_host

JUDGED = ["FaceID", "segmentation", "text"]
WAYS = {
    "20 steps, DSG 0.2": Setting("DSG", 0.2),
    "8 steps, DSG 0.2": Setting("DSG", 0.2, steps=8),
    "8 steps, DSG 0.4": Setting("DSG", 0.4, steps=8),
    "8 steps, each twice, DSG 0.2": Setting("DSG", 0.2, steps=8, recurrence=2),
    "8 steps, each twice, DSG 0.4": Setting("DSG", 0.4, steps=8, recurrence=2),
    "20 steps, automatic": Setting("DSG", 1.0, automatic=True),
    "8 steps, automatic": Setting("DSG", 1.0, automatic=True, steps=8),
    "8 steps, each twice, automatic": Setting("DSG", 1.0, automatic=True, steps=8, recurrence=2),
}
RESULTS = Path(__file__).parent / "results" / "few_steps.json"


def main() -> None:
    results: dict[str, dict[str, list[float]]] = {}
    with running_host() as host:
        for task in JUDGED:
            ways = tqdm(WAYS.items(), desc=task)
            results[task] = {way: alignments(host, task, setting, MEASURED[:2]) for way, setting in ways}
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(beside_each_other(results))


if __name__ == "__main__":
    main()
