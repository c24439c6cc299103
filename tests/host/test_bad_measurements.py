"""Measurements that cannot be compared with the picture give one sentence, before the first step."""

import copy

import pytest

from tools.server import PromptError
from tools.workflow import find

ALWAYS = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
BLUR = {"blur": "gaussian", "size": 9, "std": 1.5, "angle": 0.0}
SHRINK = {"factor": 4, "kernel": "bicubic"}
DEFAULTS = {
    "DSG_SuperResolutionLoss": SHRINK,
    "DSG_DeblurLoss": BLUR,
    "DSG_ColorizeLoss": {},
    "DSG_SketchLoss": {"lines": "dark on light"},
    "DSG_PaletteLoss": {},
}
NAMES = {
    "DSG_SuperResolutionLoss": "Super-Resolution Loss",
    "DSG_DeblurLoss": "Deblur Loss",
    "DSG_ColorizeLoss": "Colorize Loss",
    "DSG_SketchLoss": "Sketch Loss",
    "DSG_PaletteLoss": "Colour Palette Loss",
}


def picture(width: int, height: int, count: int = 1) -> dict:
    settings = {"width": width, "height": height, "batch_size": count, "color": 8421504}
    return {"class_type": "EmptyImage", "inputs": settings}


def with_loss(prompt: dict, kind: str, image: dict, changes: dict, nodes: dict) -> dict:
    """The prompt guided by this loss alone, of a batch of two."""
    prompt = copy.deepcopy(prompt)
    model = find(prompt, "DSG_LoadEmbeddedModel")
    prompt[model]["inputs"]["batch_size"] = 2
    name = "drawing" if kind == "DSG_SketchLoss" else "image"
    inputs = ALWAYS | DEFAULTS[kind] | {"conditioning": [model, 1], name: ["given", 0]} | changes
    prompt |= {"given": image, "loss": {"class_type": kind, "inputs": inputs}} | nodes
    prompt[find(prompt, "DSG_KSampler")]["inputs"]["positive"] = ["loss", 0]
    return prompt


def refused(host, prompt: dict, *words: str) -> None:
    steps = []
    with pytest.raises(PromptError) as error:
        host.run(prompt, lambda node, value, most: steps.append(value))
    message = str(error.value)
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert len(message) < 320
    assert not any(steps)


def kernel(width: int, height: int, color: int = 0xFFFFFF, count: int = 1) -> dict:
    image = picture(width, height, count)
    image["inputs"]["color"] = color
    return {"kernel": image}


OWN = {"kernel": ["kernel", 0]}
BAD = {
    "a full-size picture is no measurement": (
        *("DSG_SuperResolutionLoss", picture(64, 64), {}, {}),
        ["full size of 64×64", "give a small one"],
    ),
    "a factor that does not divide": (
        *("DSG_SuperResolutionLoss", picture(21, 21), {"factor": 3}, {}),
        ["factor of 3 does not divide the picture's 64×64"],
    ),
    "a small picture of another factor": (
        *("DSG_SuperResolutionLoss", picture(32, 32), {}, {}),
        ["32×32", "4 times smaller than 64×64 has 16×16"],
    ),
    "a blurred picture of another size": ("DSG_DeblurLoss", picture(80, 64), {}, {}, ["80×64", "64×64"]),
    "an even kernel size": ("DSG_DeblurLoss", picture(64, 64), {"size": 8}, {}, ["8×8", "odd"]),
    "an even motion": ("DSG_DeblurLoss", picture(64, 64), {"size": 8, "blur": "motion"}, {}, ["8×8", "odd"]),
    "a kernel larger than the picture": (
        *("DSG_DeblurLoss", picture(64, 64), {"size": 65}, {}),
        ["65×65", "larger than the picture of 64×64"],
    ),
    "an even kernel of one's own": ("DSG_DeblurLoss", picture(64, 64), OWN, kernel(5, 4), ["5×4", "odd"]),
    "a huge kernel of one's own": ("DSG_DeblurLoss", picture(64, 64), OWN, kernel(99, 3), ["99×3", "larger"]),
    "a black kernel": ("DSG_DeblurLoss", picture(64, 64), OWN, kernel(5, 5, 0), ["kernel is black", "white"]),
    "three kernels": ("DSG_DeblurLoss", picture(64, 64), OWN, kernel(5, 5, count=3), ["3 kernels", "give one"]),
    "a blank drawing": ("DSG_SketchLoss", picture(64, 64), {}, {}, ["blank", "lines"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_measurement_that_does_not_fit(host, guided, case):
    kind, image, changes, nodes, words = BAD[case]
    refused(host, with_loss(guided, kind, image, changes, nodes), NAMES[kind], *words)


@pytest.mark.parametrize("kind", NAMES)
def test_values_that_are_not_finite(host, guided, kind):
    odd = {"class_type": "Test_OddPicture", "inputs": {"value": "nan"}}
    refused(host, with_loss(guided, kind, odd, {}, {}), NAMES[kind], "NaN")


@pytest.mark.parametrize("kind", NAMES)
def test_a_range_that_ends_before_it_begins(host, guided, kind):
    changes = {"start_percent": 0.8, "end_percent": 0.2}
    image = {"class_type": "DSG_LoadEmbeddedFaces", "inputs": {"first": 0, "count": 1}}
    refused(host, with_loss(guided, kind, image, changes, {}), NAMES[kind], "swap")


@pytest.mark.parametrize("kind", NAMES)
def test_three_references_for_two_pictures(host, guided, kind):
    side = 16 if kind == "DSG_SuperResolutionLoss" else 64
    image = picture(side, side, 3)
    if kind == "DSG_SketchLoss":
        image = {"class_type": "DSG_LoadEmbeddedFaces", "inputs": {"first": 0, "count": 3}}
    refused(host, with_loss(guided, kind, image, {}, {}), NAMES[kind], "were given for 2 pictures", "give one")


@pytest.mark.parametrize("kind", NAMES)
def test_a_black_where_mask(host, guided, kind):
    mask = {"mask": {"class_type": "SolidMask", "inputs": {"value": 0.0, "width": 64, "height": 64}}}
    image = {"class_type": "DSG_LoadEmbeddedFaces", "inputs": {"first": 0, "count": 1}}
    refused(host, with_loss(guided, kind, image, {"where": ["mask", 0]}, mask), NAMES[kind], "where mask is black")


@pytest.mark.parametrize(
    ("node", "inputs", "words"),
    [
        ("DSG_ShrinkPicture", SHRINK | {"factor": 3}, ["Shrink Picture", "factor of 3 does not divide", "64×64"]),
        ("DSG_BlurPicture", BLUR | {"size": 10}, ["Blur Picture", "10×10", "odd"]),
        ("DSG_BlurPicture", BLUR | {"size": 65}, ["Blur Picture", "65×65", "larger than the picture of 64×64"]),
    ],
)
def test_a_measurement_that_cannot_be_made(host, node, inputs, words):
    prompt = {
        "given": picture(64, 64),
        "made": {"class_type": node, "inputs": inputs | {"image": ["given", 0]}},
        "show": {"class_type": "PreviewImage", "inputs": {"images": ["made", 0]}},
    }
    refused(host, prompt, *words)
