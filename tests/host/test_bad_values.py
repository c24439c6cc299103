"""Pictures and masks in any layout, and values that no widget gives: what one expects, or one sentence."""

import copy
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from tasks.restoration import restore
from tools.server import PromptError
from tools.workflow import find

ALWAYS = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
FACE = {"class_type": "DSG_LoadEmbeddedFaces", "inputs": {"first": 0, "count": 1}}
NOT_IN_LIST = "Value not in list"  # the host's words


def with_any(prompt: dict, picture: str, mask: str) -> dict:
    """The prompt guided by Mask Loss with this picture and mask."""
    prompt = copy.deepcopy(prompt)
    made = {"image": ["face", 0], "picture": picture, "mask": mask}
    prompt |= {"face": copy.deepcopy(FACE), "any": {"class_type": "Test_AnyPicture", "inputs": made}}
    prompt[find(prompt, "DSG_MaskLoss")]["inputs"] |= {"image": ["any", 0], "mask": ["any", 1]}
    return prompt


def refused(host, prompt: dict, *words: str, by_host: Sequence[str] = ()) -> None:
    """In these words; or in the host's own with those, where newer hosts check a drop-down's choice themselves."""
    steps = []
    with pytest.raises(PromptError) as error:
        host.run(prompt, lambda node, value, most: steps.append(value))
    message = str(error.value)
    if by_host and NOT_IN_LIST in message:
        assert all(word in message for word in by_host), message
        return
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert len(message) < 320
    assert not any(steps)


@pytest.mark.parametrize(
    ("picture", "same", "mask"),
    [
        ("without a batch", "double", "plain"),
        ("with alpha", "double", "plain"),
        ("bytes", "double", "plain"),
        ("one channel", "grey", "plain"),
        ("two channels", "grey", "plain"),
        *(("double", "double", mask) for mask in ("without a batch", "channel first", "channel last")),
        *(("double", "double", mask) for mask in ("bytes", "whole", "true and false")),
    ],
)
def test_a_layout_that_means_a_picture_is_that_picture(host, guided, picture, same, mask):
    made, expected = (restore(host, with_any(guided, *kinds)).restored for kinds in ((picture, mask), (same, "plain")))
    assert np.abs(made.astype(float) - expected).max() <= 1


@pytest.mark.parametrize(
    ("picture", "word"),
    [
        ("five channels", "[1, 64, 64, 5]"),
        ("no channels", "[1, 64, 64]"),
        ("channels first", "[1, 3, 64, 64]"),
        ("a video", "[1, 1, 64, 64, 3]"),
        ("an empty batch", "is empty"),
        ("no pixels", "is empty"),
        ("large numbers", "from 0 to 255"),
        ("complex", "a torch.complex64"),
        ("a list", "a list"),
        ("nothing", "NoneType"),
    ],
)
def test_what_is_no_picture_is_an_error_that_says_so(host, guided, picture, word):
    refused(host, with_any(guided, picture, "plain"), "Mask Loss", "the image", word)


@pytest.mark.parametrize(
    ("mask", "word"),
    [
        ("a picture", "[1, 64, 64, 3]"),
        ("a line", "[64]"),
        ("an empty batch", "is empty"),
        ("a list", "a list"),
    ],
)
def test_what_is_no_mask_is_an_error_that_says_so(host, guided, mask, word):
    refused(host, with_any(guided, "double", mask), "Mask Loss", "the mask", word)


def measured(picture: str, node: str, **inputs: object) -> dict:
    """A node that makes a measurement of this picture."""
    made = {"image": ["face", 0], "picture": picture, "mask": "plain"}
    return {
        "face": FACE,
        "any": {"class_type": "Test_AnyPicture", "inputs": made},
        "made": {"class_type": node, "inputs": inputs},
        "show": {"class_type": "PreviewImage", "inputs": {"images": ["made", 0]}},
    }


BLUR = {"blur": "gaussian", "size": 9, "std": 1.5, "angle": 0.0}


@pytest.mark.parametrize("picture", ["five channels", "an empty batch", "a list"])
def test_a_kernel_that_is_no_picture(host, picture):
    prompt = measured(picture, "DSG_BlurPicture", image=["face", 0], kernel=["any", 0], **BLUR)
    refused(host, prompt, "Blur Picture", "the kernel")


def linked(value: str, whole: bool = False) -> tuple[dict, list]:
    return {"number": {"class_type": "Test_AnyNumber", "inputs": {"value": value}}}, ["number", int(whole)]


MASK_LOSS = ("weight", "start_percent", "end_percent", "threshold", "noise_level")


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        *(("DSG_MaskLoss", *case) for case in product(MASK_LOSS, ("nan", "-1", "1e9"))),
        *(("DSG_KSampler", *case) for case in product(("guidance_rate", "denoise", "cfg"), ("nan", "-0.5", "inf"))),
    ],
)
def test_a_linked_number_outside_of_its_limits(host, guided, kind, name, value):
    nodes, link = linked(value)
    guided[find(guided, kind)]["inputs"][name] = link
    words = (
        {"DSG_MaskLoss": "Mask Loss", "DSG_KSampler": "DSG KSampler"}[kind],
        f"{name} is ",
        "must be a number from 0",
    )
    refused(host, guided | nodes, *words)


@pytest.mark.parametrize(("name", "value"), [("steps", "0"), ("steps", "2.5"), ("seed", "-1")])
def test_a_linked_whole_number_outside_of_its_limits(host, guided, name, value):
    nodes, link = linked(value, whole=True)
    guided[find(guided, "DSG_KSampler")]["inputs"][name] = link
    refused(host, guided | nodes, "DSG KSampler", f"{name} is {value}", "a whole number from")


def test_a_typed_nan(host, guided):
    guided[find(guided, "DSG_MaskLoss")]["inputs"]["weight"] = "nan"
    refused(host, guided, "Mask Loss", "weight is nan", "a number from 0 to 1000")


@pytest.mark.parametrize(
    ("node", "inputs", "words"),
    [
        ("DSG_ShrinkPicture", {"factor": 4, "kernel": "sharp"}, ["Shrink Picture: kernel is 'sharp'", "bicubic, area"]),
        ("DSG_BlurPicture", BLUR | {"blur": "lens"}, ["Blur Picture: blur is 'lens'", "gaussian, motion"]),
    ],
)
def test_an_unknown_choice(host, node, inputs, words):
    refused(host, measured("double", node, image=["any", 0], **inputs), *words, by_host=[node])


def test_an_unknown_method(host, guided):
    guided["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": {"method": "DDRM", "step_size": 0.0}}
    guided[find(guided, "DSG_KSampler")]["inputs"]["method"] = ["method", 0]
    refused(host, guided, "Guidance Method: method is 'DDRM'", "DSG, DPS", by_host=["DSG_GuidanceMethod", "method"])


def test_every_node_s_numbers_have_limits_and_every_choice_its_options(host):
    """So that the check above holds for all of them."""
    nodes = {name: node for name, node in host.get("/object_info").json().items() if name.startswith("DSG_")}
    widgets = [
        (kind, options[0] if options else {})
        for node in nodes.values()
        for inputs in node["input"].values()
        for kind, *options in inputs.values()
    ]
    numbers = [options for kind, options in widgets if kind in ("INT", "FLOAT")]
    assert len(nodes) > 25
    assert len(numbers) > 50
    assert all("min" in options and "max" in options for options in numbers)
