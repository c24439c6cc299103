"""The best of several noises, in the host, on the embedded model."""

import copy
import json
import re

import pytest

from tools.server import PromptError
from tools.workflow import find

TRIES, STEPS = 3, 6


def with_best_noise(guided: dict, **changed) -> dict:
    """The prompt, whose sampler begins with the noise that the node has chosen."""
    prompt = copy.deepcopy(guided)
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    sampler["steps"] = STEPS
    prompt["best"] = {
        "class_type": "DSG_BestNoise",
        "inputs": sampler | {"tries": TRIES, "try_steps": 4} | changed,
    }
    prompt[find(prompt, "DSG_KSampler")]["inputs"] = sampler | {"latent_image": ["best", 0], "seed": ["best", 1]}
    return prompt


def losses(outputs: dict, prompt: dict, step: int) -> list[float]:
    report = json.loads(outputs[find(prompt, "DSG_GuidanceReport")]["text"][0])
    (values,) = report["steps"][step]["losses"].values()
    return values


def test_the_run_begins_with_the_noise_that_the_loss_likes_best(host, guided):
    prompt = with_best_noise(guided)
    outputs = host.run(prompt)
    place, scores = re.fullmatch(r"picture 1: try (\d) of 3 \((.*)\)", outputs["best"]["text"][0]).groups()
    scores = [float(score) for score in scores.split(", ")]
    assert len(set(scores)) == TRIES
    assert min(scores) == scores[int(place) - 1]
    reached = losses(outputs, prompt, 3)[0]
    assert reached == pytest.approx(min(scores), rel=0.01)


def test_each_picture_of_a_batch_has_its_own_choice(host, guided):
    prompt = with_best_noise(guided)
    (latent,) = (
        node["inputs"]
        for node in prompt.values()
        if "latent_image" in node["inputs"] and node["class_type"] == "DSG_BestNoise"
    )
    prompt["two"] = {"class_type": "RepeatLatentBatch", "inputs": {"samples": latent["latent_image"], "amount": 2}}
    latent["latent_image"] = ["two", 0]
    outputs = host.run(prompt)
    lines = outputs["best"]["text"][0].splitlines()
    scores = [[float(each) for each in re.search(r"\((.*)\)", line)[1].split(", ")] for line in lines]
    assert len(scores) == 2
    assert losses(outputs, prompt, 3) == pytest.approx([min(each) for each in scores], rel=0.01)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"try_steps": 7}, "DSG Best Noise: try_steps is 7, and the run has 6 steps"),
        ({"tries": 1}, "tries"),
    ],
)
def test_what_cannot_be_is_said(host, guided, changed, said):
    with pytest.raises(PromptError, match=said):
        host.run(with_best_noise(guided, **changed))


def test_without_a_loss_there_is_nothing_to_choose_by(host, unguided):
    with pytest.raises(PromptError, match="DSG Best Noise: no loss was computed in these steps"):
        host.run(with_best_noise(unguided))
