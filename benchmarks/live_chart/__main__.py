"""What the live chart costs, in the host, on the embedded model: seconds of a step, and messages.

    python -m benchmarks.live_chart

Each run has a client that listens, as the front end does. The chart's seconds are those of the sampler's thread, timed
around it; and of the server's, the time to write the same messages as JSON.
"""

import itertools
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from tasks.restoration import template_prompt, with_setting
from tasks.setting import Setting
from tools.comfyui import REPOSITORY
from tools.server import Client, in_graph, prepare_base, running_host
from tools.workflow import find

RESULTS = REPOSITORY / "benchmarks" / "results" / "live_chart.json"
STEPS, FACES, RUNS = 20, 1, 3


def metered(prompt: dict) -> tuple[dict, str]:
    """The sampler's part of the prompt, measured, and the node that says what was."""
    shown = {"PreviewImage", "SaveImage", "DSG_GuidanceReport", "ImageCompositeMasked", "EmptyImage", "VAEDecode"}
    prompt = {number: node for number, node in prompt.items() if node["class_type"] not in shown}
    sampler = find(prompt, "DSG_KSampler")
    model = prompt[sampler]["inputs"]["model"]
    prompt["metered"] = {"class_type": "Bench_Metered", "inputs": {"model": model}}
    prompt[sampler]["inputs"]["model"] = ["metered", 0]
    prompt["seconds"] = {"class_type": "Bench_ChartSeconds", "inputs": {"latent": [sampler, 0]}}
    return prompt, "seconds"


def encoding_seconds(messages: list[dict]) -> list[float]:
    """To write each of them as JSON."""
    spent = []
    for message in messages:
        start = time.perf_counter()
        json.dumps(message)
        spent.append(time.perf_counter() - start)
    return spent


def measure(host: Client, seed: int) -> dict:
    """One run: its steps' seconds, the chart's in each of them, and the messages that came."""
    prompt, seconds = metered(with_setting(template_prompt(host), Setting("DSG", 0.2, steps=STEPS), 0, FACES, seed))
    outputs = host.run(prompt, extra_data=in_graph("benchmark"))
    measured = json.loads(outputs[seconds]["text"][0])
    return {
        "steps": [later - earlier for earlier, later in itertools.pairwise(measured["began"])],
        "chart": [a + b for a, b in zip(measured["spent"], encoding_seconds(host.steps), strict=True)],
        "messages": len(host.steps),
        "bytes": [len(json.dumps(message)) for message in host.steps],
    }


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as folder:
        base = Path(folder)
        prepare_base(base)
        shutil.copy(Path(__file__).parent / "meter.py", base / "custom_nodes")
        with running_host(base) as host:
            runs = [measure(host, 1000 * number) for number in range(RUNS + 1)][1:]  # the first one loads the model
    step = statistics.median(each for run in runs for each in run["steps"])
    chart = statistics.median(each for run in runs for each in run["chart"])
    result = {
        "step_ms": round(step * 1000, 2),
        "chart_ms": round(chart * 1000, 4),
        "largest_chart_ms": round(max(each for run in runs for each in run["chart"]) * 1000, 3),
        "share_of_a_step": round(chart / step, 6),
        "messages_a_step": max(run["messages"] for run in runs) / STEPS,
        "bytes_a_message": round(statistics.median(each for run in runs for each in run["bytes"])),
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
