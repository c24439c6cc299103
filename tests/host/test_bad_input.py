"""Bad input gives one sentence that says what is wrong, where, and what to do; the host goes on working."""

import copy
import shutil

import pytest

from tasks.restoration import restore, template_prompt, with_setting
from tasks.setting import Setting
from tools.comfyui import REPOSITORY, find_host
from tools.server import PromptError, prepare_base, running_host
from tools.workflow import find


def inputs_of(prompt: dict, class_type: str) -> dict:
    return prompt[find(prompt, class_type)]["inputs"]


def refused(host, prompt: dict) -> str:
    with pytest.raises(PromptError) as error:
        host.run(prompt)
    return str(error.value)


def one_sentence(message: str, *words: str) -> None:
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert len(message) < 320


@pytest.fixture(autouse=True)
def still_works(host, guided):
    """After each of these, a normal prompt runs."""
    good = copy.deepcopy(guided)
    yield
    assert restore(host, good).restored.shape == (1, 64, 64, 3)


def test_no_loss_samples_as_the_model_does(host, unguided):
    assert restore(host, unguided).report["guided_steps"] == 0
    assert "carries no loss" in host.log.read_text()


def test_a_checkpoint_without_vae(host, guided):
    guided["vae"] = {"class_type": "Test_NoVAE", "inputs": {}}
    inputs_of(guided, "DSG_KSampler")["vae"] = ["vae", 0]
    one_sentence(refused(host, guided), "DSG KSampler", "no VAE", "Load VAE")


def test_a_vae_that_is_not_connected(host, guided):
    del inputs_of(guided, "DSG_KSampler")["vae"]
    assert "vae" in refused(host, guided)


def test_an_image_of_another_size_is_resized_and_said_once(host, guided):
    guided["large"] = {
        "class_type": "ImageScale",
        "inputs": {
            "image": [find(guided, "ImageAddNoise"), 0],
            "upscale_method": "bicubic",
            "width": 100,
            "height": 80,
            "crop": "disabled",
        },
    }
    inputs_of(guided, "DSG_MaskLoss")["image"] = ["large", 0]
    restore(host, guided)
    assert host.log.read_text().count("100×80 pixels is resized to the picture's 64×64") == 1


@pytest.mark.parametrize(("value", "words"), [(0.0, ["empty", "paint"]), (1.0, ["white everywhere", "leave"])])
def test_an_empty_or_full_mask(host, guided, value, words):
    guided["solid"] = {"class_type": "SolidMask", "inputs": {"value": value, "width": 64, "height": 64}}
    inputs_of(guided, "DSG_MaskLoss")["mask"] = ["solid", 0]
    one_sentence(refused(host, guided), "Mask Loss", *words)


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize(("name", "output"), [("image", 0), ("mask", 1)])
def test_values_that_are_not_finite(host, guided, value, name, output):
    guided["odd"] = {"class_type": "Test_OddPicture", "inputs": {"value": value}}
    inputs_of(guided, "DSG_MaskLoss")[name] = ["odd", output]
    one_sentence(refused(host, guided), "Mask Loss", name, "NaN")


def test_zero_steps(host, guided):
    inputs_of(guided, "DSG_KSampler")["steps"] = 0
    assert "steps" in refused(host, guided)


def test_nothing_to_denoise_gives_the_latent_back(host, guided):
    inputs_of(guided, "DSG_KSampler")["denoise"] = 0.0
    assert restore(host, guided).report["steps"] == []


def test_eta_zero_with_the_constraint(host, guided):
    sampler = inputs_of(guided, "DSG_KSampler")
    guided["dsg"] = {"class_type": "DSG_Sampler", "inputs": {"vae": sampler["vae"], "guidance_rate": 0.2, "eta": 0.0}}
    guided["sigmas"] = {
        "class_type": "BasicScheduler",
        "inputs": {"model": sampler["model"], "scheduler": "normal", "steps": 4, "denoise": 1.0},
    }
    names = ("model", "positive", "negative", "cfg", "latent_image")
    guided["custom"] = {
        "class_type": "SamplerCustom",
        "inputs": {name: sampler[name] for name in names}
        | {"add_noise": True, "noise_seed": 0, "sampler": ["dsg", 0], "sigmas": ["sigmas", 0]},
    }
    guided["show"] = {"class_type": "Test_LatentNumbers", "inputs": {"latent": ["custom", 0]}}
    one_sentence(refused(host, guided), "DSG Sampler", "eta", "set eta to 1")


NESTED = ["nested"] if (find_host() / "comfy" / "nested_tensor.py").exists() else []  # older hosts have none


@pytest.mark.parametrize("kind", ["audio", *NESTED])
def test_latents_that_are_no_pictures(host, guided, kind):
    guided["odd"] = {"class_type": "Test_OddLatent", "inputs": {"kind": kind}}
    inputs_of(guided, "DSG_KSampler")["latent_image"] = ["odd", 0]
    one_sentence(refused(host, guided), "DSG KSampler", kind)


def test_three_references_for_two_latents(host, guided):
    inputs_of(guided, "DSG_LoadEmbeddedFaces")["count"] = 3
    inputs_of(guided, "DSG_LoadEmbeddedModel")["batch_size"] = 2
    one_sentence(refused(host, guided), "Mask Loss", "3 reference images were given for 2 pictures", "give one")


def test_a_rate_range_that_ends_before_it_begins(host, guided):
    guided["blend"] = {
        "class_type": "DSG_GuidanceRateBlend",
        "inputs": {
            "start_rate": 0.2,
            "end_rate": 0.1,
            "curve": "linear",
            "interval": 1,
            "start_percent": 0.8,
            "end_percent": 0.2,
        },
    }
    inputs_of(guided, "DSG_KSampler")["rate_blend"] = ["blend", 0]
    one_sentence(refused(host, guided), "Guidance Rate Blend", "swap")


def test_a_loss_range_that_ends_before_it_begins(host, guided):
    inputs_of(guided, "DSG_MaskLoss").update(start_percent=0.8, end_percent=0.2)
    one_sentence(refused(host, guided), "Mask Loss", "swap")


def test_more_faces_than_there_are(host, guided):
    inputs_of(guided, "DSG_LoadEmbeddedFaces").update(first=124, count=8)
    one_sentence(refused(host, guided), "Load Embedded Faces", "at most 4")


def test_a_vae_of_another_model(host, guided):
    """A pixel-space VAE cannot decode latents of twelve channels into a picture."""
    guided["vae"] = {"class_type": "VAELoader", "inputs": {"vae_name": "pixel_space"}}
    inputs_of(guided, "DSG_KSampler")["vae"] = ["vae", 0]
    one_sentence(refused(host, guided), "VAE", "12 channels")


@pytest.mark.parametrize("start_percent", [0.0, 0.6])
def test_a_model_without_gradient_is_refused_before_the_first_step_if_an_exact_one_is_asked_for(
    host, guided, start_percent
):
    sampler = inputs_of(guided, "DSG_KSampler")
    guided["plain"] = {"class_type": "Test_NoGradientModel", "inputs": {"model": sampler["model"]}}
    sampler["model"] = ["plain", 0]
    method = {"method": "DSG", "step_size": 0.0, "gradient": "exact"}
    guided["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": method}
    sampler["method"] = ["method", 0]
    inputs_of(guided, "DSG_MaskLoss")["start_percent"] = start_percent
    steps = []
    with pytest.raises(PromptError) as error:
        host.run(guided, lambda node, value, most: steps.append(value))
    one_sentence(str(error.value), "no gradient", "finite difference", "plain model")
    assert not any(steps)


def test_a_damaged_weight_file(tmp_path):
    """A copy of the pack with half of its weights."""
    pack = tmp_path / "pack"
    left_out = shutil.ignore_patterns(".*", "tests", "output", "node_modules", "__pycache__")
    shutil.copytree(REPOSITORY, pack, ignore=left_out)
    weights = pack / "embedded" / "weights" / "faces.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    prepare_base(tmp_path / "base", pack)
    with running_host(tmp_path / "base") as damaged:
        prompt = with_setting(template_prompt(damaged), Setting("DSG", 0.2, steps=4), 0, 1)
        one_sentence(refused(damaged, prompt), "Load Embedded Model", "faces.safetensors", "restore")
        assert damaged.get("/system_stats").ok
