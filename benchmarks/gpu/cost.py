"""Time and memory of a guided step, as multiples of a plain one's: each gradient mode through each decoder."""

from functools import partial

from benchmarks.gpu.bench import Bench
from benchmarks.gpu.row import Row
from benchmarks.gpu.run import Run
from benchmarks.gpu.scale import Scale

KIND = "cost of a guided step over a plain one's"
MODES = ["exact", "low memory", "finite difference", "none"]
DECODERS = ["linear", "TAESD", "KL VAE"]  # the cheapest first, so that a slow machine has something to say


def plain(bench: Bench, setting: Run) -> dict:
    outcome = bench.plain(setting)
    return {"seconds": round(outcome.seconds, 4), "gigabytes": round(outcome.gigabytes, 2), "time": 1, "memory": 1}


def guided(bench: Bench, setting: Run, unguided: Run) -> dict:
    outcome, before = bench.run(setting), bench.plain(unguided)
    ratios = {"time": outcome.seconds / before.seconds, "memory": outcome.gigabytes / before.gigabytes}
    rounded = {name: round(ratio, 2) for name, ratio in ratios.items()}
    changed = "" if outcome.modes == setting.gradient else outcome.modes
    return (
        {"seconds": round(outcome.seconds, 4), "gigabytes": round(outcome.gigabytes, 2)} | rounded | {"said": changed}
    )


def rows(scale: Scale, family: str) -> list[Row]:
    """By DPS, which guides all steps."""
    unguided = scale.setting(family, decoder=DECODERS[0])
    planned = [Row(KIND, {"model": family, "decoder": "", "gradient": "plain step"}, partial(plain, setting=unguided))]
    for decoder in DECODERS:
        for mode in MODES:
            setting = scale.setting(family, decoder=decoder, gradient=mode, method="DPS")
            names = {"model": family, "decoder": decoder, "gradient": mode}
            planned.append(Row(KIND, names, partial(guided, setting=setting, unguided=unguided)))
    return planned
