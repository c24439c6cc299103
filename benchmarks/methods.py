"""Every method with the spherical constraint and without it, on three tasks.

    python -m benchmarks.methods                        20 steps of the flow-matching model, an hour on a CPU
    python -m benchmarks.methods --steps 50 --model faces --people 8
    python -m benchmarks.methods --time                 how long each method takes, three minutes
    python -m benchmarks.methods --tables               tables of all that was measured

Without the constraint, a method's step size is searched for on four people (a grid of 1 to 1000); with it, there is a
rate of 0.2 and nothing to search. The figures are of others, 16 if not said otherwise. What was made is kept, so it
goes on where it was stopped. Results go to `benchmarks/results/methods.json`.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tqdm import tqdm

from benchmarks.tasks.pictures import distance_to_faces, figures, pictures
from tasks.setting import FLOW, UNGUIDED, V_PREDICTION, Setting
from tasks.task import TASKS
from tasks.wiring import BATCH, Batch
from tools.graph import Graph, run
from tools.server import Client, running_host

CHOSEN = {"inpainting": "PSNR, dB", "segmentation": "mean IoU", "FaceID": "likeness"}  # the figure that says how well
SEARCHED = ["DPS", "FreeDoM", "UGD", "LGD-MC", "MPGD", "TFG"]  # DSG is DPS with the constraint
STEP_SIZES = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
TRIED_FIRST = 2, 5
RATE = 0.2
TUNING = [Batch(4, 4)]
TIMED_PEOPLE, REPEATS = 4, 3
RESULTS = Path(__file__).parent / "results" / "methods.json"
DISTANCE, TIME = "Fréchet distance", "time over the unguided run"
SHOWN = {**CHOSEN, DISTANCE: "all tasks"}
FORMATS = {"PSNR, dB": "{:.1f}", "mean IoU": "{:.2f}", "likeness": "{:.2f}", "all tasks": "{:.0f}"}

Row = dict[str, dict[str, float]]


def searched(quality: Callable[[float], float]) -> float:
    """The best of three step sizes, and of those beside them for as long as an outer one is the best."""
    low, high = TRIED_FIRST
    while True:
        best = max(STEP_SIZES[low:high], key=quality)
        place = STEP_SIZES.index(best)
        if low < place < high - 1 or place in (0, len(STEP_SIZES) - 1):
            return best
        low, high = min(low, place - 1), max(high, place + 2)


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

    def quality(method: str, task: str, size: float) -> float:
        setting = Setting(method, size, steps=steps, model=model)
        return figures(host, task, setting, TUNING)[CHOSEN[task]]

    unguided = Setting(UNGUIDED.method, steps=steps, model=model)
    found["unguided"] = {"none": row(dict.fromkeys(CHOSEN, unguided))}
    for method in tqdm(methods, desc=f"{model}, {steps} steps", unit="method"):
        spherical = Setting(method, RATE, "spherical", steps=steps, model=model)
        sizes = {task: searched(partial(quality, method, task)) for task in CHOSEN}
        best = {task: Setting(method, size, steps=steps, model=model) for task, size in sizes.items()}
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


def load() -> dict:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def save(key: str, value: object) -> None:
    results = load() | {key: value}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table(runs: dict[str, dict[str, dict[str, Row]]]) -> str:
    """Markdown: methods down, runs side by side; each figure without the constraint → with it."""
    columns = [(task, name, run) for task, name in SHOWN.items() for run in runs]
    lines = ["| method | " + " | ".join(f"{task}: {name}, {run}" for task, name, run in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for method in ("unguided", *SEARCHED):
        cells = [
            " → ".join(FORMATS[name].format(row[task][name]) for row in runs[run].get(method, {}).values())
            for task, name, run in columns
        ]
        lines.append(f"| {method} | " + " | ".join(cell or "–" for cell in cells) + " |")
    return "\n".join(lines)


def verdict(runs: dict[str, dict[str, dict[str, Row]]]) -> str:
    """How often the constraint is ahead, equal and behind, as the tables show it, and where it is not ahead."""
    pairs: dict[str, list[str]] = {"ahead": [], "equal": [], "behind": []}
    for measured, found in runs.items():
        for method in [name for name in SEARCHED if name in found]:
            for task, name in CHOSEN.items():
                before, after = (FORMATS[name].format(row[task][name]) for row in found[method].values())
                kind = "equal" if before == after else "ahead" if float(after) > float(before) else "behind"
                pairs[kind].append(f"- {method}, {task}, {measured}: {before} → {after}")
    counts = ", ".join(f"{kind} {len(lines)} times" for kind, lines in pairs.items())
    return "\n".join([f"The constraint is {counts}:", *pairs["equal"], *pairs["behind"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--model", choices=[FLOW, V_PREDICTION], default=FLOW)
    parser.add_argument("--people", type=int, choices=range(4, BATCH + 1), default=BATCH, metavar="4..16")
    parser.add_argument("--method", choices=SEARCHED, nargs="*", default=SEARCHED)
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--tables", action="store_true")
    options = parser.parse_args()
    if options.tables:
        for model in (FLOW, V_PREDICTION):
            runs = load().get(model, {})
            print(model, table(runs), verdict(runs), sep="\n\n", end="\n\n")
        return
    with running_host() as host:
        if options.time:
            save(TIME, times(host, options.method, options.steps))
            return
        found = rows(host, options.method, options.model, options.steps, options.people)
    run = f"{options.steps} steps, {options.people} people"
    runs = load().get(options.model, {})
    save(options.model, runs | {run: runs.get(run, {}) | found})
    print(table({run: found}))


if __name__ == "__main__":
    main()
