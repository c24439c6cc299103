"""Workflows that were changed at random: the host or a node says what is wrong in one sentence, and goes on.

`DSG_CASES` sets how many; see `test_any_input.py`.
"""

import copy
import json
import random

import pytest
import requests

from tests.host.odd_values import HTML, TEXTS
from tests.host.test_any_input import CASES, failure, is_one_sentence, picture
from tools.comfyui import REPOSITORY
from tools.workflow import to_prompt

TEMPLATES = sorted((REPOSITORY / "workflows").glob("*(CPU).json"))
SMALL = {"steps": 1, "batch_size": 1, "count": 1, "cut_outs": 1}
SHARE = 10  # of all cases that these are


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = {"__value__": value}
    return value


ODD = [*TEXTS, None, True, -1, 10**30, 1e300, {}, [], [[]], ["1", 0], ["no such node", 0], ["1", 99], ["1", -1]]
ODD += [["1", "0"], [1, 0], [None, None], [HTML, 0], nested(5), nested(200)]


def mutated(prompt: dict, chance: random.Random) -> dict:
    """One input of a node of the pack: another value, or none. A circle of links ends the host's own worker."""
    prompt = copy.deepcopy(prompt)
    key = chance.choice(sorted(each for each in prompt if prompt[each]["class_type"].startswith("DSG_")))
    node = prompt[key]
    name = chance.choice(sorted(node["inputs"]) or ["none"])
    change = chance.choice(["value", "value", "leave out"])
    if change == "value":
        node["inputs"][name] = chance.choice(ODD)
    else:
        node["inputs"].pop(name, None)
    return prompt


def leads_nowhere(prompt: dict) -> bool:
    """Whether something that may be a link names a node that is not there: that ends the host's own worker."""
    values = [value for node in prompt.values() for value in node["inputs"].values() if isinstance(value, list)]
    return any(len(value) == 2 and str(value[0]) not in prompt for value in values)


@pytest.fixture(scope="module")
def object_info(host) -> dict:
    return host.get("/object_info").json()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_mutated_template_ends_in_a_result_or_in_one_sentence(host, object_info, path):
    before = picture(host)
    prompt = to_prompt(json.loads(path.read_text(encoding="utf-8")), object_info)
    for node in prompt.values():
        node["inputs"] |= {name: SMALL[name] for name in SMALL.keys() & node["inputs"].keys()}
    for number in range(CASES // SHARE // len(TEMPLATES)):
        chance = random.Random(f"{path.stem} {number}")  # noqa: S311 - no secret hangs on it
        case = prompt
        for _ in range(chance.choice([1, 1, 2, 3])):
            case = mutated(case, chance)
        if leads_nowhere(case):
            continue
        try:
            error = failure(host, case)
        except requests.JSONDecodeError:  # the host's own answer to what it cannot read
            continue
        if error is not None and error.node.startswith("DSG_"):
            assert is_one_sentence(str(error)), str(error)
    assert picture(host) == before
