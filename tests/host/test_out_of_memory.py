"""Memory that runs out anywhere: the run finishes in a cheaper mode or ends in one sentence, and leaves no trace."""

import copy
import json

import pytest

from tools.server import PromptError
from tools.workflow import find

SHOWN = {"SaveImage", "PreviewImage", "VAEDecode", "ImageCompositeMasked", "EmptyImage"}
NO_MEMORY = (
    "DSG: memory ran out where no cheaper gradient helps; make the picture or the batch smaller, or apply fewer "
    "losses. (PyTorch says: CUDA out of memory)"
)


@pytest.fixture
def limited(host, guided) -> dict:
    """A guided step and the last one, with memory that runs out at a tensor of the run; the model is loaded anew."""
    image = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}
    host.run({"image": image, "shown": {"class_type": "PreviewImage", "inputs": {"images": ["image", 0]}}})
    prompt = {number: node for number, node in guided.items() if node["class_type"] not in SHOWN}
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    method = {"method": "DSG", "step_size": 0.0, "gradient": "auto"}
    prompt["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": method}
    memory = {"model": sampler["model"], "failing": 0}
    prompt["memory"] = {"class_type": "Test_LittleMemory", "inputs": memory}
    prompt["bits"] = {"class_type": "Test_LatentNumbers", "inputs": {"latent": [find(prompt, "DSG_KSampler"), 0]}}
    sampler |= {"model": ["memory", 0], "method": ["method", 0], "steps": 2}
    return prompt


def untouched(host, prompt: dict) -> dict:
    """The models' traces, and the bits that the host's own sampler gives on them."""
    prompt = copy.deepcopy(prompt)
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    model, latent, vae = prompt["memory"]["inputs"]["model"], sampler["latent_image"], sampler["vae"]
    (loader,) = {model[0], latent[0], vae[0]}
    inputs = {name: sampler[name] for name in ("negative", "latent_image", "cfg", "scheduler", "denoise", "seed")}
    inputs |= {"model": model, "positive": sampler["negative"], "sampler_name": "euler_ancestral", "steps": 2}
    steps = []
    outputs = host.run(
        {
            loader: prompt[loader],
            "plain": {"class_type": "KSampler", "inputs": inputs},
            "bits": {"class_type": "Test_LatentNumbers", "inputs": {"latent": ["plain", 0]}},
            "traces": {"class_type": "Test_Traces", "inputs": {"model": model, "vae": vae}},
        },
        lambda node, value, most: steps.append(value),
    )
    assert max(steps) == 2  # sampled anew, not cached
    return {"bits": outputs["bits"]["text"], "traces": outputs["traces"]["text"]}


def result(host, prompt: dict, gradient: str, failing: int = 0) -> tuple[tuple, str]:
    """The modes of a run, and its latent's bits."""
    prompt = copy.deepcopy(prompt)
    prompt["method"]["inputs"]["gradient"] = gradient
    prompt["memory"]["inputs"]["failing"] = failing
    outputs = host.run(prompt)
    modes = json.loads(outputs[find(prompt, "DSG_GuidanceReport")]["text"][0])["gradient_modes"]
    return tuple(modes), json.loads(outputs["bits"]["text"][0])["sha"]


def end(host, prompt: dict, gradient: str, failing: int) -> tuple[tuple, str] | str:
    """The same, or the sentence that the run ends with, without the tip that the host adds."""
    try:
        return result(host, prompt, gradient, failing)
    except PromptError as error:
        return str(error).split("\n")[0]


def tensors_made(host) -> int:
    """By the last run that ended."""
    return int(host.log.read_text().split("tensors made: ")[-1].split("\n")[0])


@pytest.mark.parametrize(
    ("gradient", "cheaper", "places"),
    [("auto", "low memory", 9), ("low memory", "finite difference", 6), ("finite difference", None, 3)],
)
def test_a_spread_of_allocations(host, limited, gradient, cheaper, places):
    before = untouched(host, limited)
    modes = (gradient.replace("auto", "exact"), cheaper)
    expected = (modes, result(host, limited, cheaper)[1]) if cheaper else None
    result(host, limited, gradient)
    total = tensors_made(host)
    ends = []
    for place in range(places):
        ends.append(end(host, limited, gradient, total * (place + 1) // (places + 1)))
        assert untouched(host, limited) == before
    assert set(ends) == ({expected, NO_MEMORY} if cheaper else {NO_MEMORY})
    assert ends.count(expected) >= (places // 2 if cheaper else 0)


def test_a_trial_without_memory_does_not_end_the_run(host, limited):
    """An exact gradient is tried out before a run whose first step is not guided; that trial has no cheaper mode."""
    limited[find(limited, "DSG_MaskLoss")]["inputs"]["start_percent"] = 0.3
    sampler = limited[find(limited, "DSG_KSampler")]["inputs"]
    limited["large"] = {"class_type": "Test_OutOfMemoryModel", "inputs": {"model": sampler["model"], "times": 1}}
    sampler |= {"steps": 4, "model": ["large", 0]}
    assert result(host, limited, "exact")[0] == ("exact",)
