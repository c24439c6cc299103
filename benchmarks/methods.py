"""Every method with the spherical constraint and without it, on three tasks.

    python -m benchmarks.methods                        20 steps of the flow-matching model, an hour on a CPU
    python -m benchmarks.methods --steps 50 --model faces --people 8
    python -m benchmarks.methods --summary              the tables of all that was measured

Without the constraint, a method's step size is the best of three on four people; with it, there is a rate of 0.2 and
nothing to search. The figures are of others. They go to `benchmarks/results/methods.json`.
"""

import argparse
import json
import time
from pathlib import Path

from tqdm import tqdm

from benchmarks.tasks.graph import Graph, run
from benchmarks.tasks.pictures import alignment, distance_to_faces, figures, pictures
from benchmarks.tasks.setting import FLOW, NOISE_PREDICTION, UNGUIDED, Setting
from benchmarks.tasks.task import TASKS
from benchmarks.tasks.wiring import BATCH, Batch
from sampling import METHODS
from tools.server import Client, running_host

CHOSEN = ["inpainting", "segmentation", "FaceID"]
SEARCHED = [name for name in METHODS if name != "DSG"]  # which is DPS with the constraint
STEP_SIZES = [10.0, 30.0, 100.0]
RATE = 0.2
TUNING = [Batch(4, 4)]
TIMED_PEOPLE, REPEATS = 4, 3
RESULTS = Path(__file__).parent / "results" / "methods.json"
DISTANCE, TIME = "Fréchet distance", "time"

Row = dict[str, dict[str, float]]


def rows(host: Client, methods: list[str], model: str, steps: int, people: int) -> dict[str, dict[str, Row]]:
    """Method → constraint → task → its figures, the step size among them, and the Fréchet distance of all its tasks."""
    measured = Batch(0, people)
    found: dict[str, dict[str, Row]] = {}

    def row(settings: dict[str, Setting]) -> Row:
        each: Row = {task: figures(host, task, setting, [measured]) for task, setting in settings.items()}
        for task, setting in settings.items():
            each[task]["strength"] = setting.strength
        made = [pictures(host, task, setting, measured) for task, setting in settings.items()]
        return each | {DISTANCE: {"all tasks": distance_to_faces(made)}}

    unguided = Setting(UNGUIDED.method, steps=steps, model=model)
    found["unguided"] = {"none": row(dict.fromkeys(CHOSEN, unguided))}
    for method in tqdm(methods, desc=f"{model}, {steps} steps", unit="method"):
        spherical = Setting(method, RATE, "spherical", steps=steps, model=model)
        grid = [Setting(method, size, steps=steps, model=model) for size in STEP_SIZES]
        best = {task: max(grid, key=lambda setting: alignment(host, task, setting, TUNING)) for task in CHOSEN}
        found[method] = {"none": row(best), "spherical": row(dict.fromkeys(CHOSEN, spherical))}
    return found


def times(host: Client, methods: list[str], steps: int) -> dict[str, float]:
    """How long each method's inpainting takes, as a multiple of the unguided run: the fastest of three."""

    def seconds(setting: Setting, seed: int) -> float:
        graph = Graph()
        model = graph.add("DSG_LoadEmbeddedModel", model_name=setting.model, style="any", batch_size=TIMED_PEOPLE)
        positive = TASKS["inpainting"].wire(graph, [model, 1], Batch(0, TIMED_PEOPLE))
        shown = setting.sample(graph, model, positive if setting.guided else [model, 1], seed)
        began = time.perf_counter()
        run(host, graph, *shown)
        return time.perf_counter() - began

    def fastest(setting: Setting) -> float:
        return min(seconds(setting, seed) for seed in range(REPEATS))

    plain = fastest(Setting(UNGUIDED.method, steps=steps))
    sampled = {method: Setting(method, RATE, "spherical", steps=steps) for method in methods}
    return {method: round(fastest(setting) / plain, 1) for method, setting in sampled.items()}


def save(key: str, value: object) -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[key] = value
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table(found: dict[str, dict[str, Row]]) -> str:
    """Markdown: methods down; each figure without the constraint → with it."""
    columns = {(task, name): None for task, each in found["unguided"]["none"].items() for name in each}
    columns = {column: None for column in columns if column[1] != "strength"}
    lines = ["| method | " + " | ".join(": ".join(column) for column in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for method, constraints in found.items():
        cells = [" → ".join(f"{row[task][name]:.3g}" for row in constraints.values()) for task, name in columns]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--model", choices=[FLOW, NOISE_PREDICTION], default=FLOW)
    parser.add_argument("--people", type=int, choices=range(4, BATCH + 1), default=BATCH, metavar="4..16")
    parser.add_argument("--method", choices=SEARCHED, nargs="*", default=SEARCHED)
    options = parser.parse_args()
    with running_host() as host:
        found = rows(host, options.method, options.model, options.steps, options.people)
        print(table(found))
        save(f"{options.model}, {options.steps} steps, {options.people} people", found)


if __name__ == "__main__":
    main()
