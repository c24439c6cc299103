"""Every method, constraint and way to the gradient in the real host, on masked faces."""

import copy
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from tasks.restoration import Restoration, psnr, restore, with_setting
from tasks.setting import Setting
from tools.server import Client, PromptError
from tools.workflow import find

STEPS = 10
# Without the constraint each method needs a strength of its own for this loss, this size of picture and so few steps.
STRENGTHS = {"DPS": 20.0, "FreeDoM": 30.0, "UGD": 50.0, "LGD-MC": 30.0, "MPGD": 20.0, "TFG": 10.0}
STRENGTHS |= {"MMPS": 1.0, "posterior mean": 1.0, "DiffPIR": 1.0, "DPM-Solver++(2M)": 20.0}


def restored(
    host: Client, template: dict, automatic: dict | None = None, too_large: int = 0, steps: int = STEPS, **method
) -> Restoration:
    """The first face by a Guidance Method node with these inputs."""
    prompt = with_setting(template, Setting("DSG", 0.2, steps=steps), 0, 1)
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    prompt["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": {"method": "DSG", "step_size": 0.0} | method}
    sampler["method"] = ["method", 0]
    if automatic:
        prompt["rate"] = {"class_type": "DSG_AutomaticGuidanceRate", "inputs": automatic}
        sampler["rate_blend"] = ["rate", 0]
    if too_large:
        inputs = {"model": sampler["model"], "times": too_large}
        prompt["too large"] = {"class_type": "Test_OutOfMemoryModel", "inputs": inputs}
        sampler["model"] = ["too large", 0]
    return restore(host, prompt)


@pytest.fixture(scope="module")
def truth(host, template) -> np.ndarray:
    """The face that is to be restored, uint8 `[1, 64, 64, 3]`."""
    faces = copy.deepcopy(template[find(template, "DSG_LoadEmbeddedFaces")])
    faces["inputs"] |= {"first": 0, "count": 1}
    prompt = {"faces": faces, "show": {"class_type": "PreviewImage", "inputs": {"images": ["faces", 0]}}}
    (shown,) = host.run(prompt)["show"]["images"]
    return np.asarray(Image.open(io.BytesIO(host.picture(shown))).convert("RGB"))[None]


@pytest.fixture(scope="module")
def unguided_psnr(host, template, truth) -> float:
    return float(
        psnr(restore(host, with_setting(template, Setting("unguided", 0, steps=STEPS), 0, 1)).restored, truth)[0]
    )


@pytest.fixture(scope="module")
def exact(host, template) -> Restoration:
    return restored(host, template, gradient="exact")


@pytest.mark.parametrize("method", STRENGTHS)
def test_each_method_gets_closer_to_the_truth_than_the_model_alone(host, template, truth, unguided_psnr, method):
    result = restored(
        host, template, method=method, step_size=STRENGTHS[method], recurrence=2 if method == "UGD" else 0
    )
    assert result.report["method"] == method
    assert result.report["guided_steps"] == STEPS
    assert result.report["gradient_modes"] == ["none" if method in ("MPGD", "DiffPIR") else "exact"]
    assert float(psnr(result.restored, truth)[0]) > unguided_psnr + 5


@pytest.mark.parametrize("method", ["FreeDoM", "MPGD", "TFG", "MMPS"])
def test_on_the_sphere_no_method_needs_a_strength(host, template, truth, unguided_psnr, method):
    result = restored(host, template, method=method, constraint="spherical")
    assert result.report["guided_steps"] == STEPS - 1
    assert float(psnr(result.restored, truth)[0]) > unguided_psnr + 10


def test_a_deterministic_method_is_refused_the_sphere(host, template):
    with pytest.raises(
        PromptError, match=r"^Guidance Method: DPM-Solver\+\+\(2M\) is deterministic, .* set constraint"
    ):
        restored(host, template, method="DPM-Solver++(2M)", constraint="spherical")


def test_the_deterministic_method_unguided_is_the_hosts_own_sampler(host, template):
    prompt = with_setting(template, Setting("unguided", 0, steps=STEPS), 0, 1)
    key = find(prompt, "DSG_KSampler")
    prompt["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": {"method": "DPM-Solver++(2M)", "step_size": 0.0}}
    prompt[key]["inputs"]["method"] = ["method", 0]
    names = "model", "positive", "negative", "latent_image", "seed", "steps", "cfg", "scheduler", "denoise"
    inputs = {name: prompt[key]["inputs"][name] for name in names} | {"sampler_name": "dpmpp_2m"}
    prompt["theirs"] = {"class_type": "KSampler", "inputs": inputs}
    numbers = []
    for latent in ([key, 0], ["theirs", 0]):
        prompt["numbers"] = {"class_type": "Test_LatentNumbers", "inputs": {"latent": latent}}
        numbers.append(json.loads(host.run(copy.deepcopy(prompt))["numbers"]["text"][0])["values"])
    assert max(abs(ours - theirs) for ours, theirs in zip(*numbers, strict=True)) < 1e-5


def test_between_the_kth_steps_the_last_gradient_is_better_than_none(host, template, truth):
    found = {}
    for reuse in (False, True):
        prompt = with_setting(template, Setting("DSG", 0.2, steps=STEPS), 0, 1)
        blend = {"start_rate": 0.2, "end_rate": 0.2, "curve": "linear", "interval": 2, "reuse_gradient": reuse}
        blend |= {"start_percent": 0.0, "end_percent": 1.0}
        prompt["rate"] = {"class_type": "DSG_GuidanceRateBlend", "inputs": blend}
        prompt[find(prompt, "DSG_KSampler")]["inputs"]["rate_blend"] = ["rate", 0]
        result = restore(host, prompt)
        assert result.report["guided_steps"] == (STEPS - 1 if reuse else STEPS // 2)
        assert sum(bool(step["losses"]) for step in result.report["steps"]) == STEPS // 2
        found[reuse] = float(psnr(result.restored, truth)[0])
    assert found[True] > found[False] + 1


def test_an_automatic_rate_goes_to_the_posteriors_mean_of_a_measurement(host, template, truth, exact):
    """Closer than DSG at 0.2, though nobody says how noisy the measurement is; guided up to the last step."""
    result = restored(host, template, {"share": 1.0, "start_percent": 0.0, "end_percent": 1.0})
    assert float(psnr(result.restored, truth).mean()) > float(psnr(exact.restored, truth).mean()) + 0.1
    assert result.report["method"] == "posterior mean"
    assert all(step["gradient_norm"] for step in result.report["steps"])


def test_few_steps_are_repeated_unless_the_user_wants_them_once(host, template, truth):
    once, often = (
        restored(host, template, steps=4, method="posterior mean", recurrence=recurrence) for recurrence in (1, 0)
    )
    assert float(psnr(often.restored, truth)[0]) > float(psnr(once.restored, truth)[0]) + 1
    assert once.report["remarks"] == []
    (told,) = often.report["remarks"]
    assert told.startswith(
        "DSG: 4 steps are few, so each but the first is taken 6 times and the run takes as long as 19."
    )


def test_the_posteriors_mean_of_something_that_is_no_measurement_is_refused_before_sampling(host, template):
    prompt = with_setting(template, Setting("posterior mean", 1.0, steps=4), 0, 1)
    loss = prompt[find(prompt, "DSG_MaskLoss")]["inputs"]
    palette = {"image": loss["image"], "conditioning": loss["conditioning"]}
    shared = {name: loss[name] for name in ("weight", "start_percent", "end_percent")}
    prompt["palette"] = {"class_type": "DSG_PaletteLoss", "inputs": palette | shared}
    prompt[find(prompt, "DSG_KSampler")]["inputs"]["positive"] = ["palette", 0]
    with pytest.raises(Exception, match=r"posterior mean is for measurements.*choose DSG"):
        restore(host, prompt)


def test_low_memory_gives_the_exact_picture(host, template, exact):
    low = restored(host, template, gradient="low memory")
    assert low.report["gradient_modes"] == ["low memory"]
    assert np.abs(low.restored.astype(int) - exact.restored.astype(int)).max() <= 1


def test_low_memory_keeps_a_fraction_of_what_exact_keeps(host, template):
    """Of the model's pass, weights included, as the host's log tells it."""

    def kept(gradient: str) -> int:
        before = len(host.log.read_text())
        prompt = with_setting(template, Setting("DSG", 0.2, steps=2), 0, 1)
        sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
        parts = {name: sampler[name] for name in ("model", "vae")}
        prompt["watched"] = {"class_type": "Test_WatchedModel", "inputs": parts}
        prompt["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": {"method": "DSG", "gradient": gradient}}
        prompt["method"]["inputs"]["step_size"] = 0.0
        sampler |= {"model": ["watched", 0], "method": ["method", 0]}
        restore(host, prompt)
        found = re.findall(r"kept of the model: (\d+) bytes", host.log.read_text()[before:])
        return max(map(int, found))

    assert 0 < kept("low memory") < 0.3 * kept("exact")


@pytest.mark.parametrize("gradient", ["finite difference", "none"])
def test_the_cheap_gradients_get_closer_too(host, template, truth, unguided_psnr, exact, gradient):
    cheap = restored(host, template, gradient=gradient)
    assert cheap.report["gradient_modes"] == [gradient]
    assert (cheap.restored != exact.restored).any()
    assert float(psnr(cheap.restored, truth)[0]) > unguided_psnr + 4


def test_a_model_without_a_gradient_is_guided_by_finite_differences_and_the_log_says_so(host, template):
    prompt = with_setting(template, Setting("DSG", 0.2, steps=STEPS), 0, 1)
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    prompt["blind"] = {"class_type": "Test_NoGradientModel", "inputs": {"model": sampler["model"]}}
    sampler["model"] = ["blind", 0]
    said = host.log.read_text().count("this model gives no gradient")
    blind = restore(host, prompt)
    assert blind.report["gradient_modes"] == ["exact", "finite difference"]
    assert host.log.read_text().count("this model gives no gradient") == said + 1
    same = restored(host, template, gradient="finite difference")
    assert np.abs(blind.restored.astype(int) - same.restored.astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("times", "modes"), [(1, ["exact", "low memory"]), (2, ["exact", "low memory", "finite difference"])]
)
def test_a_run_that_is_too_large_finishes_in_a_cheaper_mode_and_says_so(host, template, exact, fresh, times, modes):
    said = host.log.read_text().count("memory is short")
    result = restored(host, template, too_large=times)
    assert result.report["gradient_modes"] == modes
    assert result.report["guided_steps"] == STEPS - 1
    assert host.log.read_text().count("memory is short") == said + times
    if times == 1:
        assert np.abs(result.restored.astype(int) - exact.restored.astype(int)).max() <= 1


def test_the_inputs_of_earlier_releases_are_enough(host, template):
    prompt = with_setting(template, Setting("DPS", 10, steps=STEPS), 0, 1)
    assert set(prompt["method"]["inputs"]) == {"method", "step_size"}
    assert json.dumps(restore(host, prompt).report)
