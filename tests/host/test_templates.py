"""Every published workflow runs as it is, and the picture gets closer to what was asked."""

import json

import numpy as np
import pytest

from embedded.held_out import held_out_faces
from tasks.restoration import psnr, restore, with_setting
from tasks.setting import Setting
from tools.comfyui import REPOSITORY
from tools.workflow import to_prompt

WORKFLOWS = sorted((REPOSITORY / "workflows").glob("*.json"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_published_workflow_names_only_nodes_and_inputs_that_exist(host, path):
    object_info = host.get("/object_info").json()
    for node in to_prompt(json.loads(path.read_text()), object_info).values():
        groups = object_info[node["class_type"]]["input"]
        known = set(groups.get("required", {})) | set(groups.get("optional", {}))
        assert set(node["inputs"]) <= known
        assert set(groups.get("required", {})) <= set(node["inputs"])


def test_the_host_offers_the_templates(host):
    assert sorted(host.get("/workflow_templates").json()["ComfyUI-DSG"]) == [path.stem for path in WORKFLOWS]


@pytest.fixture(scope="module")
def restored(host, template):
    """Four faces each: unguided and guided at the template's settings."""
    settings = {
        "unguided": Setting("unguided", 0, steps=20),
        "DSG": Setting("DSG", 0.2, steps=20),
        "DPS": Setting("DPS", 10, steps=20),
    }
    return {name: restore(host, with_setting(template, setting, 0, 4)) for name, setting in settings.items()}


def test_guided_pictures_come_close_to_the_truth_where_unguided_ones_do_not(restored):
    truth = held_out_faces()[:4]
    assert psnr(restored["unguided"].restored, truth).mean() < 15
    assert psnr(restored["DPS"].restored, truth).mean() > 24
    assert psnr(restored["DSG"].restored, truth).mean() > 26


def test_the_hidden_pixels_alone_come_close_too(restored):
    """The guidance never saw them."""
    truth = held_out_faces()[:4]
    hidden = (restored["DSG"].known == 128).all(axis=-1)
    assert 0.65 < hidden.mean() < 0.75
    error = np.square(restored["DSG"].restored / 255 - truth / 255)[hidden].mean()
    assert 10 * np.log10(1 / error) > 24


def test_the_report_tells_the_run(restored):
    report = restored["DSG"].report
    assert report["method"] == "DSG"
    assert len(report["steps"]) == 20
    assert report["guided_steps"] == 19  # the last step has no noise, so no sphere
    assert report["skipped"] == 0
    losses = [np.mean(step["losses"]["mask"]) for step in report["steps"] if step["losses"]]
    assert losses[-1] < losses[0] / 3
    assert restored["unguided"].report["guided_steps"] == 0
