"""Models from files, whose weights newer hosts move in and out during a pass, if they are not asked not to."""

from dataclasses import replace
from functools import partial

from benchmarks.gpu.bench import Bench
from benchmarks.gpu.row import Row
from benchmarks.gpu.run import Run, saving
from benchmarks.gpu.scale import Scale
from tools.comfyui import find_host

KIND = "weights from files, dynamic and not"
MODES = ["auto", "exact", "low memory", "finite difference"]
SWITCH = "--disable-dynamic-vram"
STEPS = 4


def there_are_none() -> str:
    """Why there is no difference to be seen; empty: there is one."""
    known = (find_host() / "comfy" / "cli_args.py").read_text(encoding="utf-8")
    return "" if SWITCH in known else f"this ComfyUI has no dynamic weights (no {SWITCH})"


def compared(bench: Bench, setting: Run) -> dict:
    if not (bench.base / "output" / "vae" / f"{setting.file}_00001_.safetensors").exists():
        bench.outputs(saving(setting))
    outcome = bench.run(setting)
    weights = {"weights": "dynamic" if outcome.measured["dynamic"] else "plain"}
    return weights | outcome.guided(bench.plain(replace(setting, gradient=None)))


def rows(scale: Scale, host: str, missing: str = "") -> list[Row]:
    """For one host, by its name; `missing` says why there is no such host."""
    family, decoder = scale.from_files
    setting = scale.setting(family, decoder=decoder, steps=STEPS, files=True)
    return [
        Row(
            KIND,
            {"host": host, "model": family, "gradient": mode},
            partial(compared, setting=replace(setting, gradient=mode)),
            missing,
        )
        for mode in MODES
    ]
