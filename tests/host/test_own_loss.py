"""Losses of other packs: the documented example, copied into the host's custom_nodes, and some that cannot guide."""

import numpy as np
import pytest

from tasks.restoration import restore, with_setting
from tasks.setting import Setting
from tests.host.graphs import Run
from tools.graph import loss
from tools.server import PromptError
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


def with_own(kind: str, name: str = "mine", size: int = 2) -> Run:
    """A run of two pictures, guided by a loss of Test_OwnLoss from the middle on."""
    run = Run(size=size)
    own = [run.graph.add("Test_OwnLoss", kind=kind, name=name), 0]
    applied = {"weight": 1.0, "start_percent": 0.5, "end_percent": 1.0}
    run.positive = [run.graph.add("DSG_ApplyLoss", conditioning=run.positive, loss=own, **applied), 0]
    return run


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("scalar", "gives values of the shape []"),
        ("column", ", 1]"),
        ("number", "gives a float"),
        ("nothing", "gives a NoneType"),
        ("detached", "gives no gradient"),
        ("constant", "gives no gradient"),
        ("whole", "gives no gradient"),
        ("in place", "changes in place"),
        ("its own error", "KeyError: 'weights\\nof the loss'"),
        ("fit", "LookupError: no table"),
        ("no function", "'NoneType' object is not callable"),
    ],
)
def test_a_loss_that_cannot_guide_is_named_before_the_first_step(host, kind, words, size):
    run, steps = with_own(kind, size=size), []
    run.graph.add("PreviewAny", source=[run.sampled(), 0])
    with pytest.raises(PromptError) as error:
        host.run(run.graph.nodes, lambda node, value, most: steps.append(value))
    assert str(error.value).startswith("Apply Loss: the loss 'mine' ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not any(steps)


def test_a_loss_that_is_nan_is_named_in_the_report(host):
    _, report = with_own("NaN", "broken").outcome(host)
    (remark,) = [remark for remark in report["remarks"] if "usable gradient" in remark]
    assert "NaN or infinite: broken" in remark


def test_a_name_that_is_no_formula_is_drawn_as_it_is(host):
    _, report = with_own("good", "$\\frac{ <b>").outcome(host)
    assert "$\\frac{ <b>" in report["costs"]


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 101])
def test_a_name_that_no_message_can_hold_is_refused(host, name):
    with pytest.raises(PromptError, match=r"^Apply Loss: a loss's name is one line of 1 to 100 letters") as error:
        with_own("good", name).outcome(host)
    assert len(str(error.value)) < 200


def test_of_two_losses_of_a_kind_the_message_says_which(host):
    run = Run(size=2)
    for count in (1, 3):
        image = [run.graph.add("DSG_LoadEmbeddedFaces", first=0, count=count), 0]
        run.positive = loss(run.graph, "DSG_ColorizeLoss", run.positive, image=image)
    with pytest.raises(PromptError, match=r"^Colorize Loss \(\w+ 2\): 3 grey images were given for 2 pictures"):
        run.outcome(host)


@pytest.mark.parametrize(
    ("kind", "words"), [("scalar", "gives values of the shape []"), ("its own error", "ended in an error of its own")]
)
def test_the_preview_names_the_loss_too(host, kind, words):
    run = with_own(kind)
    image = [run.graph.add("DSG_LoadEmbeddedFaces", first=0, count=1), 0]
    run.graph.add("PreviewAny", source=[run.graph.add("DSG_LossPreview", conditioning=run.positive, image=image), 0])
    with pytest.raises(PromptError, match=r"^Apply Loss: the loss 'mine' ") as error:
        host.run(run.graph.nodes)
    assert words in str(error.value)
