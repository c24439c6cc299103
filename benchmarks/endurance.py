"""Hundreds of guided prompts in one host: its memory and its time stay as they were.

    python -m benchmarks.endurance                       300 prompts for each way to cache, half a day on a slow CPU
    python -m benchmarks.endurance --prompts 60 --cache none lru

In random order: the embedded templates, the two embedded models, a LoRA or none, each way to the gradient; one
picture in three steps. Memory is the process's resident set after each prompt, time the CPU's for it, which other
programs on the machine do not change much. A way to cache that is in `benchmarks/results/endurance.json` with as many
prompts is not run again.
"""

import argparse
import json
import random
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from safetensors.torch import load_file, save_file
from scipy.stats import linregress
from tqdm import tqdm

from tasks.faults import GRADIENTS
from tasks.setting import FLOW, V_PREDICTION
from tools.comfyui import REPOSITORY
from tools.hosts import TEMPLATES, template
from tools.server import Client, prepare_base, running_host
from tools.workflow import find

RESULTS = Path(__file__).parent / "results" / "endurance.json"
PICTURE = RESULTS.with_suffix(".png")
CACHES = {
    "classic": ["--cache-classic"],
    "lru": ["--cache-lru", "20"],
    "none": ["--cache-none"],
    "ram": ["--cache-ram", "1"],
}
PROMPTS, FIRST, STEPS = 300, 20, 3  # the first ones load models and libraries
WRITTEN = 20  # prompts between two writes of the results
LORA = "random.safetensors"


class Slope(NamedTuple):
    """Of a straight line through what comes after the first prompts, for each prompt, and its standard error."""

    value: float
    error: float


def slope(values: list[float]) -> Slope:
    line = linregress(range(len(values) - FIRST), values[FIRST:])
    return Slope(float(line.slope), float(line.stderr))


def relative_seconds(prompts: list[dict]) -> list[float]:
    """Each prompt's time, over the median of those with its template and its way to the gradient."""
    alike = defaultdict(list)
    for prompt in prompts:
        alike[prompt["template"], prompt["gradient"]].append(prompt["cpu_seconds"])
    return [
        prompt["cpu_seconds"] / statistics.median(alike[prompt["template"], prompt["gradient"]]) for prompt in prompts
    ]


def table(results: dict) -> str:
    lines = [
        "| cache | prompts | MB after 20 | MB at the end | MB a prompt | time, % a prompt |",
        "|---|---|---|---|---|---|",
    ]
    for cache, prompts in results.items():
        memory = [prompt["megabytes"] for prompt in prompts]
        grown, slowed = slope(memory), slope(relative_seconds(prompts))
        lines.append(
            f"| {cache} | {len(prompts)} | {memory[FIRST]:.0f} | {memory[-1]:.0f} | "
            f"{grown.value:+.2f} ± {grown.error:.2f} | {100 * slowed.value:+.2f} ± {100 * slowed.error:.2f} |"
        )
    return "\n".join(lines)


def draw(results: dict) -> None:
    figure = Figure(figsize=(9, 3), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    memory, time = figure.subplots(1, 2)
    for cache, prompts in results.items():
        memory.plot([prompt["megabytes"] for prompt in prompts], label=cache, linewidth=1)
        time.plot(relative_seconds(prompts), ".", markersize=3, label=cache)
    memory.set(xlabel="prompt", ylabel="resident memory, MB", ylim=(0, None))
    time.set(xlabel="prompt", ylabel="CPU time over that of its like", ylim=(0, 3))
    memory.legend(frameon=False, title="cache")
    canvas.print_png(PICTURE)


def write_lora(folder: Path) -> None:
    """Random numbers for the attention layers of the embedded models."""
    weights = load_file(REPOSITORY / "embedded" / "weights" / "faces_flow.safetensors")
    generator = torch.Generator().manual_seed(0)
    low_rank = {}
    for name, weight in weights.items():
        if ".transformer_blocks." in name and name.endswith("weight") and weight.ndim == 2:
            layer = f"diffusion_model.{name.removesuffix('.weight')}"
            low_rank[f"{layer}.lora_up.weight"] = torch.randn(weight.shape[0], 4, generator=generator) * 0.1
            low_rank[f"{layer}.lora_down.weight"] = torch.randn(4, weight.shape[1], generator=generator) * 0.1
    folder.mkdir(parents=True)
    save_file(low_rank, folder / LORA)


def chosen(prompts: dict[str, dict], number: int) -> tuple[dict, dict]:
    """What is random of one prompt, and the prompt."""
    choose = random.Random(number).choice  # noqa: S311 - which prompt comes next is no secret
    choice: dict[str, Any] = {"template": choose(list(prompts)), "gradient": choose(GRADIENTS)}
    choice |= {"model": choose([FLOW, V_PREDICTION]), "lora": choose([True, False])}
    prompt = json.loads(json.dumps(prompts[choice["template"]]))
    prompt[find(prompt, "DSG_LoadEmbeddedModel")]["inputs"]["model_name"] = choice["model"]
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    method = {"method": "DSG", "step_size": 0.0, "gradient": choice["gradient"]}
    prompt["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": method}
    sampler |= {"steps": STEPS, "seed": number, "method": ["method", 0]}
    if choice["lora"]:
        inputs = {"model": sampler["model"], "lora_name": LORA, "strength_model": 1.0}
        prompt["lora"] = {"class_type": "LoraLoaderModelOnly", "inputs": inputs}
        sampler["model"] = ["lora", 0]
    return choice, prompt


def endured(host: Client, count: int) -> Iterator[dict]:
    """What each prompt took, and what the process holds after it."""
    info = host.get("/object_info").json()
    prompts = {path.stem: template(path, info, people=1) for path in TEMPLATES}
    process = psutil.Process(host.pid)
    for number in tqdm(range(count), unit="prompt"):
        choice, prompt = chosen(prompts, number)
        before = sum(process.cpu_times()[:2])
        host.run(prompt)
        spent = sum(process.cpu_times()[:2]) - before
        yield choice | {"cpu_seconds": round(spent, 2), "megabytes": round(process.memory_info().rss / 2**20, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=PROMPTS)
    parser.add_argument("--cache", nargs="+", choices=CACHES, default=list(CACHES))
    options = parser.parse_args()
    for cache in options.cache:
        if len(written().get(cache, [])) >= options.prompts:
            continue
        with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as base:
            prepare_base(Path(base))
            write_lora(Path(base) / "models" / "loras")
            with running_host(Path(base), *CACHES[cache]) as host:
                prompts = []
                for prompt in endured(host, options.prompts):
                    prompts.append(prompt)
                    if len(prompts) % WRITTEN == 0 or len(prompts) == options.prompts:
                        RESULTS.write_text(lines(written() | {cache: prompts}), encoding="utf-8")
    draw(written())
    print(table(written()))


def written() -> dict[str, list[dict]]:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def lines(results: dict) -> str:
    """JSON with a line for each prompt."""
    runs = [f'"{cache}": [\n' + ",\n".join(map(json.dumps, prompts)) + "\n]" for cache, prompts in results.items()]
    return "{" + ",\n".join(runs) + "}\n"


if __name__ == "__main__":
    main()
