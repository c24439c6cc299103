"""Guiding every second step only: unguided in between, or with the losses' last gradient.

    python -m benchmarks.interval        ten minutes on a CPU; goes on where it was stopped

DSG, 20 steps of the embedded flow-matching model, three tasks, 16 people. Results go to
`benchmarks/results/interval.json`.
"""

import json
from pathlib import Path

from tqdm import tqdm

from benchmarks.tasks.pictures import MEASURED, figures
from tasks.setting import Setting
from tools.server import running_host

TASKS = ["inpainting", "segmentation", "FaceID"]
RATES = [0.1, 0.2]
WAYS = {
    "every step": {"interval": 1},
    "every second": {"interval": 2},
    "every second, the last gradient in between": {"interval": 2, "reuse": True},
}
RESULTS = Path(__file__).parent / "results" / "interval.json"


def main() -> None:
    results: dict[str, dict] = {}
    with running_host() as host:
        for way, settings in tqdm(WAYS.items(), unit="way"):
            results[way] = {}
            for task in TASKS:
                made = [
                    figures(host, task, Setting("DSG", rate, "spherical", **settings), MEASURED[:1]) for rate in RATES
                ]
                results[way][task] = {f"rate {rate}": found for rate, found in zip(RATES, made)}
            RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
