"""The samplers in the host's graph: repeatable, splittable, interruptible, and leaving no trace."""

import copy
import json
import threading
import time

import pytest

from tools.server import PromptError
from tools.workflow import find


def latent_of(host, prompt: dict, source: list) -> dict:
    """The exact latent that a node gives: its hash and values."""
    prompt = copy.deepcopy(prompt) | {"bits": {"class_type": "Test_LatentNumbers", "inputs": {"latent": source}}}
    prompt = {number: node for number, node in prompt.items() if node["class_type"] not in SHOWN}
    return json.loads(host.run(prompt)["bits"]["text"][0])


SHOWN = {"SaveImage", "PreviewImage", "DSG_GuidanceReport", "VAEDecode", "ImageCompositeMasked", "EmptyImage"}


def sampler_of(prompt: dict) -> dict:
    return prompt[find(prompt, "DSG_KSampler")]["inputs"]


def largest_difference(a: dict, b: dict) -> float:
    return max(abs(x - y) for x, y in zip(a["values"], b["values"], strict=True))


def fresh(prompt: dict, seed: int) -> dict:
    """The same prompt with a seed that nothing cached has."""
    prompt = copy.deepcopy(prompt)
    sampler_of(prompt)["seed"] = seed
    return prompt


def test_the_same_seed_gives_the_same_picture_and_another_seed_another(host, guided):
    sampler = find(guided, "DSG_KSampler")
    first = latent_of(host, fresh(guided, 1), [sampler, 0])
    other = latent_of(host, fresh(guided, 2), [sampler, 0])
    again = latent_of(host, fresh(guided, 1), [sampler, 0])
    assert first["sha"] == again["sha"]
    assert largest_difference(first, other) > 0.1


def custom(prompt: dict, sigmas: list, latent: list, add_noise: bool) -> dict:
    """A SamplerCustom node with the DSG Sampler, on the prompt's model and losses."""
    sampler = sampler_of(prompt)
    inputs = {name: sampler[name] for name in ("model", "positive", "negative", "cfg")}
    settings = {"add_noise": add_noise, "noise_seed": sampler["seed"], "sampler": ["dsg", 0]}
    return {
        "class_type": "SamplerCustom",
        "inputs": inputs | settings | {"sigmas": sigmas, "latent_image": latent},
    }


@pytest.fixture
def custom_prompt(guided) -> dict:
    """Twenty steps at once (`whole`), and ten and ten (`second`)."""
    sampler = sampler_of(guided)
    schedule = {"model": sampler["model"], "scheduler": "normal", "steps": 20, "denoise": 1.0}
    guided["dsg"] = {
        "class_type": "DSG_Sampler",
        "inputs": {"vae": sampler["vae"], "guidance_rate": 0.2, "eta": 1.0},
    }
    guided["sigmas"] = {"class_type": "BasicScheduler", "inputs": schedule}
    guided["split"] = {"class_type": "SplitSigmas", "inputs": {"sigmas": ["sigmas", 0], "step": 10}}
    guided["whole"] = custom(guided, ["sigmas", 0], sampler["latent_image"], True)
    guided["first"] = custom(guided, ["split", 0], sampler["latent_image"], True)
    guided["second"] = custom(guided, ["split", 1], ["first", 0], False)
    return guided


def test_a_split_run_equals_the_whole_one(host, custom_prompt):
    whole = latent_of(host, custom_prompt, ["whole", 0])
    split = latent_of(host, custom_prompt, ["second", 0])
    assert largest_difference(whole, split) < 1e-4
    assert max(map(abs, whole["values"])) > 0.5


def test_the_custom_sampler_equals_the_all_in_one(host, custom_prompt):
    sampler_of(custom_prompt)["steps"] = 20
    whole = latent_of(host, custom_prompt, ["whole", 0])
    all_in_one = latent_of(host, custom_prompt, [find(custom_prompt, "DSG_KSampler"), 0])
    assert whole["sha"] == all_in_one["sha"]


def test_it_works_with_any_guider(host, custom_prompt):
    """SamplerCustomAdvanced with the BasicGuider, which has no negative conditioning."""
    sampler = sampler_of(custom_prompt)
    custom_prompt["guider"] = {
        "class_type": "BasicGuider",
        "inputs": {"model": sampler["model"], "conditioning": sampler["positive"]},
    }
    custom_prompt["noise"] = {"class_type": "RandomNoise", "inputs": {"noise_seed": sampler["seed"]}}
    custom_prompt["advanced"] = {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {
            "noise": ["noise", 0],
            "guider": ["guider", 0],
            "sampler": ["dsg", 0],
            "sigmas": ["sigmas", 0],
            "latent_image": sampler["latent_image"],
        },
    }
    whole = latent_of(host, custom_prompt, ["whole", 0])
    assert latent_of(host, custom_prompt, ["advanced", 0])["sha"] == whole["sha"]


def test_guidance_and_cfg_work_together(host, guided):
    """The loss's gradient goes through classifier-free guidance."""
    guided[find(guided, "DSG_LoadEmbeddedModel")]["inputs"]["style"] = "toon"
    sampler = find(guided, "DSG_KSampler")
    plain = latent_of(host, guided, [sampler, 0])
    sampler_of(guided)["cfg"] = 3.0
    assert largest_difference(plain, latent_of(host, guided, [sampler, 0])) > 0.02


def test_the_gradient_goes_through_a_controlnet(host, guided):
    sampler = find(guided, "DSG_KSampler")
    plain = latent_of(host, guided, [sampler, 0])
    guided["net"] = {"class_type": "Test_ControlNet", "inputs": {"model": sampler_of(guided)["model"]}}
    guided["controlled"] = {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {
            "positive": sampler_of(guided)["positive"],
            "negative": sampler_of(guided)["negative"],
            "control_net": ["net", 0],
            "image": [find(guided, "DSG_LoadEmbeddedFaces"), 0],
            "strength": 1.0,
            "start_percent": 0.0,
            "end_percent": 1.0,
        },
    }
    sampler_of(guided).update({"positive": ["controlled", 0], "negative": ["controlled", 1]})
    assert largest_difference(plain, latent_of(host, guided, [sampler, 0])) > 0.05
    report = json.loads(host.run(guided)[find(guided, "DSG_GuidanceReport")]["text"][0])
    assert report["guided_steps"] == 3
    assert report["skipped"] == 0


def test_a_flow_matching_model_is_guided_on_its_own_path(host, guided):
    """The embedded network, sampled as a flow model: its pictures mean nothing, but the loss falls."""
    flow = {"model": sampler_of(guided)["model"], "shift": 1.0}
    guided["flow"] = {"class_type": "ModelSamplingSD3", "inputs": flow}
    sampler_of(guided).update({"model": ["flow", 0], "steps": 20})
    report = json.loads(host.run(guided)[find(guided, "DSG_GuidanceReport")]["text"][0])
    assert report["steps"][0]["sigma"] == pytest.approx(1.0)
    losses = [step["losses"]["mask"][0] for step in report["steps"] if step["losses"]]
    assert len(losses) == 19
    assert losses[-1] < 0.7 * losses[0]


def test_a_combined_conditioning_counts_its_loss_once(host, guided):
    sampler = find(guided, "DSG_KSampler")
    alone = latent_of(host, guided, [sampler, 0])
    positive = sampler_of(guided)["positive"]
    guided["both"] = {
        "class_type": "ConditioningCombine",
        "inputs": {"conditioning_1": positive, "conditioning_2": positive},
    }
    sampler_of(guided)["positive"] = ["both", 0]
    assert largest_difference(alone, latent_of(host, guided, [sampler, 0])) < 1e-3


def test_two_losses_of_one_kind_are_both_counted_and_reported(host, guided):
    loss, report = find(guided, "DSG_MaskLoss"), find(guided, "DSG_GuidanceReport")
    second = copy.deepcopy(guided[loss])
    second["inputs"] |= {"conditioning": [loss, 0], "weight": 0.5, "end_percent": 0.6}
    guided["second"] = second
    sampler_of(guided)["positive"] = ["second", 0]
    steps = json.loads(host.run(guided)[report]["text"][0])["steps"]
    assert set(steps[0]["losses"]) == {"mask", "mask 2"}
    assert set(steps[2]["losses"]) == {"mask"}  # behind the second one's range


def model_state(host, prompt: dict, after: list | None = None) -> dict:
    """Fingerprints of the model's and the VAE's weights, gradient flags, hooks and options."""
    sampler = sampler_of(prompt)
    inputs = {"model": sampler["model"], "vae": sampler["vae"]} | ({"after": after} if after else {})
    state = {"class_type": "Test_ModelState", "inputs": inputs}
    prompt = {number: node for number, node in prompt.items() if node["class_type"] not in SHOWN}
    return json.loads(host.run(prompt | {"state": state})["state"]["text"][0])


def ancestral(prompt: dict, seed: int) -> dict:
    """The host's own KSampler on the same model."""
    sampler = sampler_of(prompt)
    inputs = {name: sampler[name] for name in ("model", "negative", "latent_image", "cfg", "scheduler", "denoise")}
    settings = {"seed": seed, "steps": 4, "sampler_name": "euler_ancestral", "positive": sampler["negative"]}
    return copy.deepcopy(prompt) | {"plain": {"class_type": "KSampler", "inputs": inputs | settings}}


def test_a_guided_run_leaves_weights_flags_hooks_and_options_as_they_were(host, guided):
    before = model_state(host, guided)
    after = model_state(host, fresh(guided, 11), [find(guided, "DSG_KSampler"), 0])
    assert before == after


def test_a_plain_prompt_before_and_after_a_guided_one_gives_the_same_bits(host, guided):
    before = latent_of(host, ancestral(guided, 5), ["plain", 0])
    latent_of(host, fresh(guided, 12), [find(guided, "DSG_KSampler"), 0])
    latent_of(host, ancestral(guided, 6), ["plain", 0])  # so that the next one is not cached
    assert latent_of(host, ancestral(guided, 5), ["plain", 0])["sha"] == before["sha"]


def test_an_interrupted_run_leaves_the_host_usable_and_its_models_as_they_were(host, guided):
    before = model_state(host, guided)
    picture = latent_of(host, guided, [find(guided, "DSG_KSampler"), 0])
    endless = fresh(guided, 13)
    sampler_of(endless)["steps"] = 5000
    started = threading.Event()

    def interrupt():
        started.wait(60)
        host.post("/interrupt")

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    began = time.monotonic()
    with pytest.raises(PromptError, match="interrupted"):
        host.run(endless, lambda node, value, most: started.set() if value >= 3 else None)
    watcher.join()
    assert time.monotonic() - began < 120
    assert model_state(host, guided) == before
    assert latent_of(host, guided, [find(guided, "DSG_KSampler"), 0])["sha"] == picture["sha"]


def test_a_lora_is_honoured_and_taken_off_again(host, base, guided, lora_file):
    sampler = find(guided, "DSG_KSampler")
    plain = latent_of(host, guided, [sampler, 0])
    before = model_state(host, guided)
    patched = copy.deepcopy(guided)
    patched["lora"] = {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"model": sampler_of(guided)["model"], "lora_name": lora_file, "strength_model": 1.0},
    }
    sampler_of(patched)["model"] = ["lora", 0]
    assert largest_difference(plain, latent_of(host, patched, [sampler, 0])) > 0.05
    latent_of(host, fresh(patched, 14), [sampler, 0])  # guided a second time, when the patch is already in place
    latent_of(host, fresh(guided, 15), [sampler, 0])  # the host unloads the patch for this one
    assert latent_of(host, guided, [sampler, 0])["sha"] == plain["sha"]
    assert model_state(host, guided)["weights"] == before["weights"]


@pytest.fixture(scope="session")
def lora_file(base) -> str:
    """A LoRA of rank 2 on one of the embedded model's attention projections."""
    import torch
    from safetensors.torch import save_file

    folder = base / "models" / "loras"
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    name = "diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_out.0"
    weights = {
        f"{name}.lora_up.weight": torch.randn(128, 2, generator=generator),
        f"{name}.lora_down.weight": torch.randn(2, 128, generator=generator),
    }
    save_file(weights, folder / "test.safetensors")
    return "test.safetensors"


def test_the_denoise_mask_is_honoured(host, guided):
    """Where the host's noise mask is black, the latent comes back as it went in; the free part is guided."""
    sampler = sampler_of(guided)
    faces = find(guided, "DSG_LoadEmbeddedFaces")
    guided["encoded"] = {"class_type": "VAEEncode", "inputs": {"pixels": [faces, 0], "vae": sampler["vae"]}}
    guided["none"] = {"class_type": "SolidMask", "inputs": {"value": 0.0, "width": 64, "height": 64}}
    guided["half"] = {"class_type": "SolidMask", "inputs": {"value": 1.0, "width": 32, "height": 64}}
    guided["mask"] = {
        "class_type": "MaskComposite",
        "inputs": {"destination": ["none", 0], "source": ["half", 0], "x": 0, "y": 0, "operation": "add"},
    }
    guided["masked"] = {
        "class_type": "SetLatentNoiseMask",
        "inputs": {"samples": ["encoded", 0], "mask": ["mask", 0]},
    }
    sampler["latent_image"] = ["masked", 0]
    encoded = latent_of(host, guided, ["encoded", 0])["values"]
    sampled = latent_of(host, guided, [find(guided, "DSG_KSampler"), 0])["values"]
    columns = [(abs(a - b), index % 32) for index, (a, b) in enumerate(zip(encoded, sampled, strict=True))]
    assert max(change for change, column in columns if column >= 16) < 1e-5
    assert max(change for change, column in columns if column < 16) > 0.1


def test_known_pixels_are_put_back_if_asked(host, guided):
    loss = guided[find(guided, "DSG_MaskLoss")]["inputs"]
    loss |= {"restore_known": True, "image": [find(guided, "DSG_LoadEmbeddedFaces"), 0]}
    sampler = find(guided, "DSG_KSampler")
    faces = find(guided, "DSG_LoadEmbeddedFaces")
    guided["encoded"] = {"class_type": "VAEEncode", "inputs": {"pixels": [faces, 0], "vae": sampler_of(guided)["vae"]}}
    truth = latent_of(host, guided, ["encoded", 0])["values"]
    restored = latent_of(host, guided, [sampler, 0])["values"]
    same = sum(abs(a - b) < 1e-3 for a, b in zip(truth, restored, strict=True)) / len(truth)
    assert 0.28 < same < 0.6
