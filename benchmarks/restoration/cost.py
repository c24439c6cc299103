"""Time and memory of a restored picture, this pack's beside azula's and deepinv's: one run, one network, taken in turn.

    python -m benchmarks.restoration.cost

20 steps of the embedded model. Time: of one picture, the median over rounds of a run over 20 plain passes of the
network in the same round. Memory: of eight pictures, the most that a process of its own holds beyond what it held
before (Linux); azula's DPS does one at a time, as it takes one norm over a batch.
"""

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from tqdm import trange

from .__main__ import MODELS, contenders, provenance
from .network import Network, network
from .problem import problem

STEPS, ROUNDS, PICTURES, TASK = 20, 15, 8, "deblurring"
RESULTS = Path(__file__).parent.parent / "results" / "restoration_cost.json"
PLAIN = "the network alone"


def plain(net: Network, count: int) -> None:
    with torch.no_grad():
        for sigma in net.sigmas(STEPS)[:-1]:
            net.latent(torch.zeros(count, 12, 32, 32), sigma.expand(count))


def runs(net: Network, count: int = 1) -> dict[str, Callable[[], object]]:
    """What is compared on so many pictures, by name; each contender at the middle of its grid."""
    asked = problem(TASK, 0, count)
    found: dict[str, Callable[[], object]] = {PLAIN: partial(plain, net, count)}
    for each in contenders():
        if TASK in each.tasks:
            strength = each.strengths[len(each.strengths) // 2]
            found[each.name] = partial(each.restore, net, asked, STEPS, strength)
    return found


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def times(model: str) -> dict[str, float]:
    """Each over the plain passes of its round."""
    todo = runs(network(model))
    ratios: dict[str, list[float]] = {name: [] for name in todo}
    for number in trange(ROUNDS + 1, desc=model):
        spent = {name: seconds(run) for name, run in todo.items()}
        if number:  # the first round warms up
            for name, value in spent.items():
                ratios[name].append(value / spent[PLAIN])
    return {name: round(statistics.median(each), 2) for name, each in ratios.items()}


def peak(model: str, name: str) -> int:
    """Bytes that a run holds at most beyond what the process held before, which had done one picture."""
    runs(network(model))[name]()
    todo = runs(network(model), PICTURES)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    todo[name]()
    return resident("VmHWM") - before


def resident(field: str) -> int:
    """Bytes of this process in memory: now (`VmRSS`), or the most (`VmHWM`)."""
    (line,) = (each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(field))
    return 1024 * int(line.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    model = parser.parse_args().model
    found = times(model)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        memory = {name: pool.apply(peak, (model, name)) for name in found}
    rows = [{"contender": name, "time": found[name], "MB": round(memory[name] / 1e6)} for name in found]
    RESULTS.write_text(json.dumps({"rows": rows} | provenance(), indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(f"| {row['contender']} | {row['time']:.2f} | {row['MB']} |")


if __name__ == "__main__":
    main()
