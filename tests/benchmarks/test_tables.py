"""The pages' tables are those of the results' files."""

import json

import pytest

from benchmarks import conditions, endurance, gaussian_prior, inpainting, video
from benchmarks.restoration.__main__ import table
from benchmarks.tasks.tables import beside_each_other, short
from tools.comfyui import REPOSITORY

RESULTS = REPOSITORY / "benchmarks" / "results"
PAGE = (REPOSITORY / "docs" / "benchmarks.md").read_text(encoding="utf-8")
RELIABILITY = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def results(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("run", results("restoration"))
def test_restoration(run):
    assert f"{run}:" in PAGE
    assert table(results("restoration")[run]["rows"]) in PAGE


def test_tasks():
    assert short(results("tasks"), with_distance=True) in PAGE
    assert short(results("tasks"), with_distance=False) in README


@pytest.mark.parametrize("name", ["best_noise", "few_steps"])
def test_ways_beside_each_other(name):
    assert beside_each_other(results(name)) in PAGE


def test_what_a_restored_picture_costs():
    for row in results("restoration_cost")["rows"]:
        assert f"| {row['contender']} | {row['time']:.2f} | {row['MB']} |" in PAGE


def test_the_number_that_each_method_needs():
    assert inpainting.table(results("inpainting")) in PAGE


def test_where_the_truth_is_known():
    assert gaussian_prior.table(results("gaussian_prior")["flow matching"]) in PAGE


def test_conditions_that_no_paper_has_judged():
    assert conditions.table(results("conditions")) in PAGE


def test_frames_of_a_video():
    assert video.memory_table(results("video")) in PAGE
    assert video.distance_table(results("video")) in PAGE


def test_hundreds_of_prompts():
    assert endurance.table(results("endurance")) in RELIABILITY
