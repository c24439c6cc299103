"""torch.compile, and the attention kernels that the host can be started with."""

import shutil
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import torch

from benchmarks.gpu.bench import Bench
from benchmarks.gpu.row import Row, Session
from benchmarks.gpu.run import Run
from benchmarks.gpu.scale import KERNELS, Scale

COMPILED, ATTENTION = "torch.compile", "attention kernels"
STEPS = 4


def guided(bench: Bench, setting: Run) -> dict:
    return bench.run(setting).guided(bench.plain(replace(setting, gradient=None)))


def no_compiler() -> str:
    """Why nothing can be compiled here; empty: it can."""
    if torch.cuda.is_available():
        return "" if find_spec("triton") else "there is no triton, which compiles for a GPU"
    return "" if any(map(shutil.which, ("c++", "g++", "clang++", "cl"))) else "there is no C++ compiler"


def compile_rows(scale: Scale) -> list[Row]:
    setting = scale.setting("SD 1.5", decoder="TAESD", steps=STEPS, gradient="auto", compiled=True)
    return [Row(COMPILED, {"model": "SD 1.5", "gradient": "auto"}, partial(guided, setting=setting), no_compiler())]


def attention_sessions(scale: Scale) -> list[Session]:
    """One for each option, as a host cannot change its kernel."""
    sessions = []
    for option in scale.kernels:
        package = KERNELS[option]
        missing = f"{package} is not installed" if package and not find_spec(package) else ""
        rows = []
        for family in ("SD 1.5", "Flux"):
            setting = scale.setting(family, decoder="TAESD", steps=STEPS, gradient="auto")
            names = {"host": option, "model": family, "gradient": "auto"}
            rows.append(Row(ATTENTION, names, partial(guided, setting=setting), missing))
        sessions.append(Session(rows, (option,)))
    return sessions
