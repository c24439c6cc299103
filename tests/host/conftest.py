"""One real host for all tests here, with the pack in it and folders of its own."""

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.restoration import template_prompt, with_setting
from tasks.setting import Setting
from tools.comfyui import REPOSITORY
from tools.random_models import write_sd15
from tools.server import Client, prepare_base, running_host


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    """The folder that holds the host's input, output, models and custom_nodes."""
    folder = tmp_path_factory.mktemp("host")
    prepare_base(folder)
    # Nodes that make what no user should (NaN, odd latents, a VAE of nothing), and models that users do have.
    for name in (
        "connections.py",
        "dynamic_weights.py",
        "faults.py",
        "odd_inputs.py",
        "odd_models.py",
        "odd_patches.py",
        "small_models.py",
    ):
        shutil.copy(Path(__file__).parent / name, folder / "custom_nodes")
    # The documented example of a loss of one's own, as a user would copy it.
    shutil.copytree(REPOSITORY / "example_pack", folder / "custom_nodes" / "brightness_loss")
    return folder


@pytest.fixture(scope="session")
def host(base) -> Iterator[Client]:
    with running_host(base) as client:
        yield client


@pytest.fixture(scope="session")
def template(host) -> dict:
    """The embedded template in API format; not to be changed."""
    return template_prompt(host)


@pytest.fixture
def guided(template) -> dict:
    """A short guided prompt: one face, four steps."""
    return with_setting(template, Setting("DSG", 0.2, steps=4), 0, 1)


@pytest.fixture
def unguided(template) -> dict:
    """The same without a loss."""
    return copy.deepcopy(with_setting(template, Setting("unguided", 0, steps=4), 0, 1))


@pytest.fixture(scope="session")
def checkpoint(base) -> str:
    """Stable Diffusion 1.5, whole, with random weights."""
    write_sd15(base / "models" / "checkpoints" / "random-sd15.safetensors")
    return "random-sd15.safetensors"


@pytest.fixture(scope="session")
def lora(base) -> str:
    """A LoRA of random numbers for the attention layers of the embedded flow-matching model."""
    weights = load_file(REPOSITORY / "embedded" / "weights" / "faces_flow.safetensors")
    generator = torch.Generator().manual_seed(0)
    low_rank = {}
    for name, weight in weights.items():
        if ".transformer_blocks." in name and name.endswith("weight") and weight.ndim == 2:
            layer = name.removesuffix(".weight")
            for part, shape in (("lora_up", (weight.shape[0], 4)), ("lora_down", (4, weight.shape[1]))):
                low_rank[f"diffusion_model.{layer}.{part}.weight"] = torch.randn(shape, generator=generator) * 0.2
    folder = base / "models" / "loras"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(low_rank, folder / "random.safetensors")
    return "random.safetensors"


@pytest.fixture
def fresh(host) -> None:
    """A host that has loaded no model."""
    image = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}
    host.post("/free", {"unload_models": True, "free_memory": True})  # obeyed after the next prompt at the latest
    host.run({"image": image, "shown": {"class_type": "PreviewImage", "inputs": {"images": ["image", 0]}}})
