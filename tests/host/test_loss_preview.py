"""What the losses see, as the Loss Preview node shows it in the host."""

import copy
import io
import json

import numpy as np
import pytest
from PIL import Image

from tools.hosts import TEMPLATES
from tools.server import PromptError
from tools.workflow import find, to_prompt

EIGHT_BITS = 256


def previewed(prompt: dict) -> dict:
    """The template with a short run, and a preview of its losses on the finished picture."""
    prompt = copy.deepcopy(prompt)
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    sampler["steps"] = 3
    sampler.pop("rate_blend", None)  # the automatic one repeats so few steps
    for node in prompt.values():
        if node["class_type"] == "DSG_BestNoise":
            node["inputs"] |= {"tries": 2, "try_steps": 1}
    made = prompt[find(prompt, "SaveImage")]["inputs"]["images"]
    prompt["seen"] = {
        "class_type": "DSG_LossPreview",
        "inputs": {"conditioning": sampler["positive"], "image": made},
    }
    prompt["shown"] = {"class_type": "PreviewImage", "inputs": {"images": ["seen", 0]}}
    prompt["values"] = {"class_type": "PreviewAny", "inputs": {"source": ["seen", 1]}}
    return prompt


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_each_loss_of_each_template_is_shown(host, path):
    workflow = json.loads(path.read_text(encoding="utf-8"))
    prompt = previewed(to_prompt(workflow, host.get("/object_info").json()))
    losses = [node for node in prompt.values() if node["class_type"].endswith("Loss")]
    outputs = host.run(prompt)
    lines = outputs["values"]["text"][0].splitlines()
    assert len(lines) == len(losses)
    assert all(float(value) >= 0 for line in lines for value in line.split(": ")[1].split(", "))
    (image,) = outputs["shown"]["images"]
    picture = np.asarray(Image.open(io.BytesIO(host.picture(image))).convert("RGB"))
    assert (picture < EIGHT_BITS - 1).any(2).mean() > 0.2  # there is something beside the white of the paper


def test_a_conditioning_without_a_loss_is_refused(host, guided):
    prompt = previewed(guided)
    prompt["seen"]["inputs"]["conditioning"] = [find(prompt, "DSG_LoadEmbeddedModel"), 1]
    with pytest.raises(PromptError, match="Loss Preview: the conditioning carries no loss"):
        host.run(prompt)
