"""The documented example of a loss in a pack of its own, copied into the host's custom_nodes."""

import numpy as np
import pytest

from tasks.restoration import restore, with_setting
from tasks.setting import Setting
from tools.workflow import find


def with_brightness(prompt: dict, brightness: float) -> dict:
    """The prompt guided by brightness instead of by its mask."""
    mask_loss = prompt.pop(find(prompt, "DSG_MaskLoss"))
    prompt["brightness"] = {"class_type": "Example_BrightnessLoss", "inputs": {"brightness": brightness}}
    inputs = {"loss": ["brightness", 0], "weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
    inputs |= {"conditioning": mask_loss["inputs"]["conditioning"]}
    prompt["apply"] = {"class_type": "DSG_ApplyLoss", "inputs": inputs}
    prompt[find(prompt, "DSG_KSampler")]["inputs"]["positive"] = ["apply", 0]
    return prompt


def brightness_of(pictures: np.ndarray) -> float:
    return float((pictures @ [0.299, 0.587, 0.114]).mean() / 255)


@pytest.mark.parametrize("wanted", [0.35, 0.75])
def test_pictures_get_the_brightness_that_was_asked(host, template, wanted):
    prompt = with_setting(template, Setting("DSG", 0.2, steps=10), 0, 2)
    result = restore(host, with_brightness(prompt, wanted))
    assert brightness_of(result.restored) == pytest.approx(wanted, abs=0.05)
    assert list(result.report["costs"]) == ["brightness"]
