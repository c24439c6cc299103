"""Out of memory: the picture's sides are doubled until the way to the gradient that was asked for gives way."""

from dataclasses import replace
from functools import partial

import psutil
import torch

from benchmarks.gpu.bench import Bench
from benchmarks.gpu.row import Row
from benchmarks.gpu.run import Run
from benchmarks.gpu.scale import Scale

KIND = "out of memory, by a picture that is doubled until the exact gradient gives way"
LARGEST = {"small": 512, "full": 8192}
LEFT_ON_A_CPU = {"small": 0.3, "full": 6.0}  # gigabytes


def reserve(scale: Scale) -> tuple[str, ...]:
    """A GPU's memory may run out. A computer's must not, so there the host is told to leave most of it free."""
    if torch.cuda.is_available():
        return ()
    free = psutil.virtual_memory().available / 2**30
    return "--reserve-vram", f"{max(free - LEFT_ON_A_CPU[scale.size], 0):.2f}"


def doubled(bench: Bench, setting: Run) -> dict:
    """A run that ends in an error is a row that failed; its message says which picture it was."""
    while True:
        try:
            report = bench.run(setting).report
        except RuntimeError as error:
            raise RuntimeError(f"{setting.side}×{setting.side}: {error}") from error
        modes = report["gradient_modes"]
        if len(modes) > 1 or 2 * setting.side > LARGEST[setting.size]:
            remarks = [remark for remark in report["remarks"] if "memory" in remark]
            return {"side": setting.side, "computed": ", then ".join(modes), "said": " ".join(remarks)}
        setting = replace(setting, side=2 * setting.side)


def rows(scale: Scale) -> list[Row]:
    """By "auto", which keeps to the free memory, and on a GPU by "exact", which takes the device's own error."""
    modes = ["auto", "exact"] if torch.cuda.is_available() else ["auto"]
    setting = scale.setting("SD 1.5", steps=2)
    return [
        Row(KIND, {"model": "SD 1.5", "gradient": mode}, partial(doubled, setting=replace(setting, gradient=mode)))
        for mode in modes
    ]
