"""Time and memory of one sampling run, seen from inside the host."""

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Iterator

import comfy.model_management
import comfy.patcher_extension
import psutil
import torch
from comfy_api.latest import io

ALL_OF_IT = 1e30  # bytes, as the host itself writes it
LOOK = 0.005  # seconds between two looks at the process

last: dict = {}  # what was measured of the last run


def on_cuda() -> bool:
    return comfy.model_management.get_torch_device().type == "cuda"


def now() -> float:
    """Seconds, when all that was asked of the device is done."""
    if on_cuda():
        torch.cuda.synchronize()
    return time.perf_counter()


@contextlib.contextmanager
def peak_memory() -> Iterator[None]:
    """Write down the most that was allocated on the GPU; without one, the most memory that the process had."""
    if on_cuda():
        torch.cuda.reset_peak_memory_stats()
        yield
        last["bytes"] = torch.cuda.max_memory_allocated()
        return
    process, ended, most = psutil.Process(), threading.Event(), [0]

    def watch() -> None:
        while not ended.wait(LOOK):
            most[0] = max(most[0], process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
    last["bytes"] = max(most[0], process.memory_info().rss)


def unload_others(model) -> None:
    """Each run begins with its own model alone on the device."""
    loaded = comfy.model_management.current_loaded_models
    keep = [each for each in loaded if each.model is not None and each.model.model is model.model]
    comfy.model_management.free_memory(ALL_OF_IT, comfy.model_management.get_torch_device(), keep)
    comfy.model_management.soft_empty_cache()


def measure(sampler, guider, sigmas, extra_args, callback, *others, **more):
    """Around the host's call of a sampler: the seconds from each step's estimate to the next one's, and the peak."""
    times: list[float] = []

    def timed(*step):
        times.append(now())
        return callback(*step)

    last.clear()
    last["dynamic"] = getattr(guider.model_patcher, "is_dynamic", lambda: False)()
    with peak_memory():
        made = sampler(guider, sigmas, extra_args, timed, *others, **more)
    last["seconds"] = [later - earlier for earlier, later in itertools.pairwise(times)]
    return made


class Measured(io.ComfyNode):
    """A model whose next run is measured. Never cached, so each run is computed."""

    @classmethod
    def define_schema(cls):
        inputs, outputs = [io.Model.Input("model")], [io.Model.Output("measured")]
        return io.Schema("GPU_Measured", category="test", inputs=inputs, outputs=outputs)

    @classmethod
    def fingerprint_inputs(cls, **_inputs):
        return float("nan")

    @classmethod
    def execute(cls, model):
        unload_others(model)
        measured = model.clone()
        measured.add_wrapper(comfy.patcher_extension.WrappersMP.SAMPLER_SAMPLE, measure)
        return io.NodeOutput(measured)


class Measurements(io.ComfyNode):
    """What was measured of the run that this report is of, and the report without its plot."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Custom("DSG_REPORT").Input("report")]
        return io.Schema("GPU_Measurements", category="test", inputs=inputs, is_output_node=True)

    @classmethod
    def execute(cls, report):
        return io.NodeOutput(ui={"text": [json.dumps(last | {"report": report.to_dict()})]})
