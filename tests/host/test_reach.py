"""Guidance with each of the host's noise schedules, with LCM's few steps, and through one branch alone at CFG 1."""

import re

import pytest

from embedded.held_out import held_out_faces
from tasks.restoration import psnr, restore, with_setting
from tasks.setting import Setting
from tools.server import Client
from tools.workflow import find

SCHEDULERS = [
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
    "linear_quadratic",
    "kl_optimal",
]
# Made for the other family: most of their few steps lie where this one has nothing to decide, guided or not.
UNSUITED = {
    ("karras", "faces (flow matching)"),
    ("exponential", "faces (flow matching)"),
    ("linear_quadratic", "faces"),
}


def closeness(host: Client, prompt: dict) -> float:
    """PSNR in dB of the first held-out face."""
    return float(psnr(restore(host, prompt).restored, held_out_faces()[:1])[0])


def test_these_are_the_hosts_schedules(host):
    """A new one in the host must be looked at."""
    (names, *_) = host.get("/object_info/DSG_KSampler").json()["DSG_KSampler"]["input"]["required"]["scheduler"]
    assert set(names if isinstance(names, list) else _[0]["options"]) == set(SCHEDULERS)


@pytest.mark.parametrize("model", ["faces", "faces (flow matching)"])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_guidance_works_with_each_schedule(host, template, scheduler, model):
    found = []
    for setting in (Setting("unguided", 0, steps=8), Setting("DSG", 0.2, steps=8)):
        prompt = with_setting(template, setting, 0, 1)
        prompt[find(prompt, "DSG_KSampler")]["inputs"]["scheduler"] = scheduler
        prompt[find(prompt, "DSG_LoadEmbeddedModel")]["inputs"]["model_name"] = model
        found.append(closeness(host, prompt))
    assert found[1] > found[0] + (1.5 if (scheduler, model) in UNSUITED else 8)


@pytest.mark.parametrize(("sampling", "gain"), [("lcm", 0.1), ("v_prediction", 8)])
def test_four_steps_of_a_distilled_models_sampling_are_guided(host, template, sampling, gain):
    """LCM takes what the network gives for noise, which this one's is not, so little can come of it; but it runs."""
    found = []
    for setting in (Setting("unguided", 0, steps=4), Setting("DSG", 0.5, steps=4)):
        prompt = with_setting(template, setting, 0, 1)
        sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
        patch = {"model": sampler["model"], "sampling": sampling, "zsnr": False}
        prompt["lcm"] = {"class_type": "ModelSamplingDiscrete", "inputs": patch}
        sampler |= {"model": ["lcm", 0], "scheduler": "sgm_uniform"}
        found.append(closeness(host, prompt))
    assert found[1] > found[0] + gain


@pytest.mark.parametrize(("cfg", "branches"), [(1.0, 1), (2.0, 2)])
def test_at_cfg_1_the_gradient_goes_through_one_branch_alone(host, template, cfg, branches):
    prompt = with_setting(template, Setting("DSG", 0.2, steps=2), 0, 1)
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    parts = {name: sampler[name] for name in ("model", "vae")}
    prompt["watched"] = {"class_type": "Test_WatchedModel", "inputs": parts}
    sampler |= {"model": ["watched", 0], "cfg": cfg}
    before = len(host.log.read_text())
    restore(host, prompt)
    sizes = re.findall(r"a pass with a gradient of (\d+) latents", host.log.read_text()[before:])
    assert {int(size) for size in sizes} == {branches}
