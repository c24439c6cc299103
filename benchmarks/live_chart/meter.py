"""A pack for the host that is measured: the seconds that the live chart takes of a run's steps, seen from inside."""

import json
import sys
import time
from typing import Any

from comfy_api.latest import ComfyExtension, io

spent: list[float] = []  # seconds in the chart, after each step
began: list[float] = []  # when that was


def metered(live_chart):
    """The same, timed."""

    def timed_chart(total):
        show = live_chart(total)

        def timed(report):
            start = time.perf_counter()
            show(report)
            spent.append(time.perf_counter() - start)
            began.append(start)

        return timed

    return timed_chart


class Metered(io.ComfyNode):
    """The model as it is; runs after it are measured."""

    @classmethod
    def define_schema(cls):
        outputs = [io.Model.Output("same_model")]
        return io.Schema("Bench_Metered", category="bench", inputs=[io.Model.Input("model")], outputs=outputs)

    @classmethod
    def execute(cls, model):
        sampler: Any = next(module for name, module in sys.modules.items() if name.endswith(".host.sampler"))
        sampler.live_chart = metered(sampler.live_chart)
        return io.NodeOutput(model)


class ChartSeconds(io.ComfyNode):
    """What was measured of the run that made this latent: for each step, the chart's seconds and when they began."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Latent.Input("latent")]
        return io.Schema("Bench_ChartSeconds", category="bench", inputs=inputs, is_output_node=True)

    @classmethod
    def execute(cls, latent):
        measured = json.dumps({"spent": spent, "began": began})
        spent.clear()
        began.clear()
        return io.NodeOutput(ui={"text": [measured]})


class Meter(ComfyExtension):
    async def get_node_list(self):
        return [Metered, ChartSeconds]


async def comfy_entrypoint():
    return Meter()
