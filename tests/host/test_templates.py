"""Every published workflow runs as it is, and the picture gets closer to what was asked."""

import copy
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from embedded.held_out import held_out_faces
from tasks.judging import judge_segmentation
from tasks.restoration import psnr, restore, with_setting
from tasks.setting import Setting
from tasks.wiring import Batch
from tools.comfyui import REPOSITORY
from tools.workflow import find, to_prompt

WORKFLOWS = sorted((REPOSITORY / "workflows").glob("*.json"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_published_workflow_names_only_nodes_and_inputs_that_exist(host, path):
    object_info = host.get("/object_info").json()
    for node in to_prompt(json.loads(path.read_text()), object_info).values():
        groups = object_info[node["class_type"]]["input"]
        known = set(groups.get("required", {})) | set(groups.get("optional", {}))
        assert set(node["inputs"]) <= known
        assert set(groups.get("required", {})) <= set(node["inputs"])


FILES = ("ckpt_name", "clip_name", "model_name", "unet_name", "vae_name", "detector")  # the inputs that name them


def is_from_elsewhere(name: str) -> bool:
    """Whether it neither comes with the pack nor is left out."""
    return not name.startswith("faces") and name != "none"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_published_workflow_says_where_its_files_are_to_be_had(host, path):
    """The note links them with licence and folder; those that the front end may download are offered by it."""
    workflow = json.loads(path.read_text())
    prompt = to_prompt(workflow, host.get("/object_info").json())
    (note,) = (node["widgets_values"][0] for node in workflow["nodes"] if node["type"] == "MarkdownNote")
    lines = [line for line in note.splitlines() if line.startswith("- [")]
    needed = 0
    for node in workflow["nodes"]:
        inputs = prompt.get(str(node["id"]), {"inputs": {}})["inputs"]
        for name in filter(is_from_elsewhere, (inputs[key] for key in FILES if key in inputs)):
            (line,) = (line for line in lines if name.split("/")[-1] in line)
            assert re.search(r"\]\(https://\S+\) \([\d.]+ (kB|MB|GB)\).*, .+ → \*models/[\w/.-]+\*$", line)
            needed += 1
            if name.endswith(".safetensors"):
                (model,) = (model for model in node["properties"]["models"] if model["name"] == name)
                assert model["url"].startswith("https://huggingface.co/")
                assert model["url"].endswith(f"/{name}")
                assert f"]({model['url']})" in line
                assert line.endswith(f"*models/{model['directory']}*")
    assert bool(needed) == (not path.stem.endswith("(CPU)"))


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if "Best of N" in path.stem], ids=lambda path: path.stem)
def test_the_run_begins_with_the_chosen_noise_and_is_otherwise_the_one_that_was_tried(host, path):
    nodes = to_prompt(json.loads(path.read_text()), host.get("/object_info").json())
    (chooser,) = (key for key, node in nodes.items() if node["class_type"] == "DSG_BestNoise")
    (sampler,) = (node["inputs"] for node in nodes.values() if node["class_type"] == "DSG_KSampler")
    assert (sampler["latent_image"], sampler["seed"]) == ([chooser, 0], [chooser, 1])
    tried = nodes[chooser]["inputs"]
    assert {name for name in sampler if sampler[name] != tried[name]} == {"latent_image", "seed"}


def test_custom_sampling_with_a_rate_blend_puts_the_parts_where_the_reference_has_them(host):
    """Judged by a network that guidance never sees; and Loss Preview shows the same loss on the pictures."""
    (path,) = (path for path in WORKFLOWS if path.stem.endswith("Rate blend (CPU)"))
    prompt = to_prompt(json.loads(path.read_text()), host.get("/object_info").json())
    unguided = copy.deepcopy(prompt)
    unguided[find(unguided, "DSG_GuidanceRateBlend")]["inputs"] |= {"start_rate": 0.0, "end_rate": 0.0}

    def overlap(prompt: dict) -> float:
        saved = host.run(prompt)[find(prompt, "SaveImage")]["images"]
        made = [np.asarray(Image.open(io.BytesIO(host.picture(entry))).convert("RGB")) for entry in saved]
        return judge_segmentation(np.stack(made), Batch(0, len(made)))["mean IoU"].mean()

    assert overlap(prompt) > overlap(unguided) + 0.2


def test_the_host_offers_the_templates(host):
    assert sorted(host.get("/workflow_templates").json()["ComfyUI-DSG"]) == [path.stem for path in WORKFLOWS]


def test_the_host_offers_the_blueprints(host):
    served = host.get("/global_subgraphs").json().values()
    names = sorted(entry["name"] for entry in served if entry["info"]["node_pack"].endswith("ComfyUI-DSG"))
    assert names == sorted(path.stem for path in (REPOSITORY / "subgraphs").glob("*.json"))


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
