"""What guidance costs, as ratios of runs in one host, taken in turn.

    python -m benchmarks.cost

Unguided: the DSG sampler without a loss against the host's own `euler_ancestral`. Guided: an exact guided step against
an unguided one. Start: the seconds that the host's log gives for importing the pack.
"""

import copy
import json
import re
import statistics

from tasks.restoration import template_prompt, with_setting
from tasks.setting import Setting
from tools.comfyui import REPOSITORY
from tools.server import Client, running_host
from tools.workflow import find

STEPS, FACES, ROUNDS = 20, 8, 9


def prompts(template: dict, seed: int) -> dict[str, dict]:
    """The three runs on the same model and latent; a new seed, so that the host computes them."""

    def only_sampling(setting: Setting) -> dict:
        prompt = with_setting(template, setting, 0, FACES, seed)
        shown = {"PreviewImage", "DSG_GuidanceReport", "ImageCompositeMasked", "EmptyImage"}
        return {number: node for number, node in prompt.items() if node["class_type"] not in shown}

    unguided = only_sampling(Setting("unguided", 0, steps=STEPS))
    host_own = copy.deepcopy(unguided)
    sampler = host_own[find(host_own, "DSG_KSampler")]
    sampler["class_type"] = "KSampler"
    sampler["inputs"] = {k: v for k, v in sampler["inputs"].items() if k not in ("vae", "guidance_rate")}
    sampler["inputs"]["sampler_name"] = "euler_ancestral"
    return {
        "euler_ancestral": host_own,
        "unguided": unguided,
        "guided": only_sampling(Setting("DSG", 0.2, steps=STEPS)),
    }


def seconds(host: Client, prompt: dict) -> float:
    """Of the execution alone, by the host's own clock."""
    host.run(prompt)
    history = host.get("/history?max_items=1").json()
    (entry,) = history.values()
    times = {name: data["timestamp"] for name, data in entry["status"]["messages"]}
    return (times["execution_success"] - times["execution_start"]) / 1000


def main() -> None:
    with running_host() as host:
        log = host.log.read_text()
        template = template_prompt(host)
        times: dict[str, list[float]] = {"euler_ancestral": [], "unguided": [], "guided": []}
        for number in range(ROUNDS + 1):
            for name, prompt in prompts(template, 1000 * number).items():
                spent = seconds(host, prompt)
                if number:  # the first round loads the model
                    times[name].append(spent)
    start = re.search(r"([\d.]+) seconds: .*ComfyUI-DSG", log)
    result = {
        "unguided_over_euler_ancestral": ratio(times["unguided"], times["euler_ancestral"]),
        "guided_step_over_unguided_step": ratio(times["guided"], times["unguided"]),
        "import_seconds": float(start.group(1)) if start else None,
    }
    path = REPOSITORY / "benchmarks" / "results" / "cost.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def ratio(a: list[float], b: list[float]) -> float:
    """Median of the ratios of neighbouring runs."""
    return round(statistics.median(x / y for x, y in zip(a, b)), 3)


if __name__ == "__main__":
    main()
