"""Quantized and compiled models and attention kernels of their own: guided by one gradient or another, or refused.

How close a picture comes is measured on the hidden pixels' truth, which guidance never sees.
"""

import copy
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tasks.restoration import psnr, restore, with_setting
from tasks.setting import Setting
from tools.comfyui import find_host, import_host
from tools.server import PromptError
from tools.workflow import find

STEPS, BETTER = 6, 6  # dB over the unguided picture


@pytest.fixture(scope="module")
def truth(host, template) -> np.ndarray:
    faces = find(template, "DSG_LoadEmbeddedFaces")
    prompt = {faces: copy.deepcopy(template[faces])}
    prompt[faces]["inputs"] |= {"first": 0, "count": 1}
    prompt["shown"] = {"class_type": "PreviewImage", "inputs": {"images": [faces, 0]}}
    (shown,) = host.run(prompt)["shown"]["images"]
    return np.asarray(Image.open(io.BytesIO(host.picture(shown))).convert("RGB"))[None]


@pytest.fixture(scope="module")
def run(host, template):
    """Restores a face with a model that `node` makes of the embedded one: the picture and the gradient's modes."""

    def run(gradient: str | None, node: tuple[str, dict] | None = None) -> tuple[np.ndarray, list[str]]:
        setting = Setting("DSG", 0.2, steps=STEPS) if gradient else Setting("unguided", 0, steps=STEPS)
        prompt = with_setting(template, setting, 0, 1)
        sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
        if node:
            prompt["odd"] = {"class_type": node[0], "inputs": node[1] | {"model": sampler["model"]}}
            sampler["model"] = ["odd", 0]
        if gradient:
            method = {"method": "DSG", "step_size": 0.0, "gradient": gradient}
            prompt["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": method}
            sampler["method"] = ["method", 0]
        result = restore(host, prompt)
        assert result.report["skipped"] == 0
        return result.restored, result.report["gradient_modes"]

    return run


def one_sentence(error: pytest.ExceptionInfo, cause: str) -> None:
    message = str(error.value)
    assert message.startswith("DSG: this model gives no gradient"), message
    assert "finite difference" in message
    assert cause in message
    assert "\n" not in message


@pytest.fixture(scope="module")
def unguided(run) -> np.ndarray:
    """By the embedded model itself."""
    return run(None)[0]


@pytest.fixture(autouse=True)
def plain_runs_are_as_before(run, unguided):
    """After each of these, the embedded model itself is sampled to the same bits."""
    yield
    run("none")  # so that the next one is not cached
    assert np.array_equal(run(None)[0], unguided)


@pytest.fixture
def least(truth, unguided) -> float:
    """What a guided picture must reach, in dB."""
    return psnr(unguided, truth) + BETTER


def check(run, truth: np.ndarray, least: float, node: tuple[str, dict], refusal: str | None = None) -> None:
    """All modes on one model; `refusal` is the cause that the exact one must name, if it has no gradient."""
    differences, modes = run("finite difference", node)
    assert modes == ["finite difference"]
    assert psnr(differences, truth) > least
    automatic, modes = run("auto", node)
    assert psnr(automatic, truth) > least
    if refusal:
        assert modes == ["exact", "finite difference"]
        assert np.array_equal(automatic, differences)
        with pytest.raises(PromptError) as error:
            run("exact", node)
        one_sentence(error, refusal)
    else:
        exact, _ = run("exact", node)
        assert modes == ["exact"]
        assert np.array_equal(automatic, exact)
        assert not np.array_equal(exact, differences)


OPERATIONS = (find_host() / "comfy" / "ops.py").read_text(encoding="utf-8")
MIXED = ["mixed", "mixed, multiplied"] if "mixed_precision_ops" in OPERATIONS else []  # older hosts have none


@pytest.mark.parametrize("kind", ["stored", "multiplied", "scaled", *MIXED])
def test_weights_in_eight_bits_have_an_exact_gradient(run, truth, least, kind):
    """Where a layer rounds its inputs too, some hosts have no backward pass for it, and others wrote one."""
    without = kind == "mixed, multiplied" and "QuantLinearFunc" not in OPERATIONS
    refusal = "automatic differentiation" if without else None
    check(run, truth, least, ("Test_QuantizedModel", {"kind": kind}), refusal)


def test_an_attention_override_without_backward_gives_way_to_an_exact_gradient(run, truth, least, unguided):
    node = ("Test_ForwardOnlyAttention", {"place": "override"})
    assert not np.array_equal(run(None, node)[0], unguided)  # it is in use
    check(run, truth, least, node)


def test_an_attention_patch_without_backward_has_none(run, truth, least):
    check(run, truth, least, ("Test_ForwardOnlyAttention", {"place": "patch"}), "forward_only_attention")


def test_a_compiled_model_has_an_exact_gradient_and_no_mode_compiles_it_again_and_again(host, run, truth, least):
    node = ("Test_CompiledModel", {})
    check(run, truth, least, node)
    exact, _ = run("exact", node)
    low_memory, modes = run("low memory", node)
    assert modes == ["low memory"]
    assert np.abs(low_memory.astype(int) - exact.astype(int)).max() <= 1
    compilations = host.log.read_text().count("a graph is compiled")
    for gradient in ("finite difference", "exact", "low memory"):
        run(gradient, node)
    assert host.log.read_text().count("a graph is compiled") == compilations > 10


@pytest.fixture(scope="module")
def diffusion_models(base) -> list[dict]:
    """The inputs of the host's UNETLoader for a small SD3 of random weights, as is and in two kinds of eight bits."""
    import_host()
    from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
    from odd_models import scaled
    from small_models import SD3

    torch.manual_seed(0)
    network = MMDiT(**SD3, operations=torch.nn)
    weights = {name: torch.randn(value.shape) * 0.05 for name, value in network.state_dict().items()}
    layers = [name for name, part in network.named_modules() if isinstance(part, torch.nn.Linear)]
    formats = json.dumps({"layers": {layer: {"format": "float8_e4m3fn"} for layer in layers}})
    folder = base / "models" / "diffusion_models"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "sd3.safetensors")
    marker = {"scaled_fp8": torch.zeros(2, dtype=torch.float8_e4m3fn)}
    save_file(scaled(weights, layers, "scale_weight") | marker, folder / "sd3-scaled.safetensors")
    save_file(
        scaled(weights, layers, "weight_scale"), folder / "sd3-mixed.safetensors", {"_quantization_metadata": formats}
    )
    inputs = [
        {"unet_name": "sd3.safetensors", "weight_dtype": "fp8_e4m3fn"},
        {"unet_name": "sd3-scaled.safetensors", "weight_dtype": "default"},
        {"unet_name": "sd3-mixed.safetensors", "weight_dtype": "default"},
    ]
    return inputs if MIXED else inputs[:2]


def test_what_the_hosts_loader_reads_in_eight_bits_is_guided(host, guided, diffusion_models):
    sampler = guided[find(guided, "DSG_KSampler")]["inputs"]
    guided["small"] = {"class_type": "Test_SmallModel", "inputs": {"family": "SD3"}}
    guided[find(guided, "DSG_MaskLoss")]["inputs"]["conditioning"] = ["small", 1]
    guided[find(guided, "VAEDecode")]["inputs"]["vae"] = ["small", 2]
    guided["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": {"method": "DSG", "step_size": 0.0}}
    sampler |= {"model": ["loaded", 0], "method": ["method", 0], "negative": ["small", 1]}
    sampler |= {"vae": ["small", 2], "latent_image": ["small", 3]}
    for inputs in diffusion_models:
        guided["loaded"] = {"class_type": "UNETLoader", "inputs": inputs}
        for gradient in ("auto", "finite difference"):
            guided["method"]["inputs"]["gradient"] = gradient
            report = restore(host, guided).report
            assert report["gradient_modes"] == ["exact" if gradient == "auto" else gradient]
            assert report["guided_steps"] == 3
            assert report["skipped"] == 0, json.dumps(report["steps"])
    assert "model weight dtype torch.float8_e4m3fn, manual cast: torch.float32" in host.log.read_text()
