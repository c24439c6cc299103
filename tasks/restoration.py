"""Masked faces, restored in a real host through the template's own workflow, and how close they came."""

import copy
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tasks.setting import Setting
from tools.comfyui import REPOSITORY
from tools.server import Client
from tools.workflow import find, to_prompt

TEMPLATE = REPOSITORY / "workflows" / "02 Mask (CPU).json"


@dataclass(frozen=True)
class Restoration:
    """known, restored: uint8 `[N, 64, 64, 3]`, hidden pixels of `known` in grey; report: the run's, as a dict."""

    known: np.ndarray
    restored: np.ndarray
    report: dict


def template_prompt(host: Client) -> dict:
    """The embedded inpainting template, in API format."""
    return to_prompt(json.loads(TEMPLATE.read_text(encoding="utf-8")), host.get("/object_info").json())


def with_setting(prompt: dict, setting: Setting, first: int, count: int, seed: int = 0) -> dict:
    """The template's prompt for other faces and another method. Mask and noise follow the first face's number."""
    prompt = copy.deepcopy(prompt)
    inputs = {node["class_type"]: node["inputs"] for node in prompt.values()}
    inputs["DSG_LoadEmbeddedFaces"] |= {"first": first, "count": count}
    inputs["DSG_LoadEmbeddedModel"]["batch_size"] = count
    inputs["EmptyImage"]["batch_size"] = count
    inputs["ImageAddNoise"]["seed"] = 1000 + first
    inputs["DSG_RandomMask"]["seed"] = 2000 + first
    sampler = inputs["DSG_KSampler"]
    sampler |= {"steps": setting.steps, "seed": seed + first}
    if not setting.guided:
        sampler["positive"] = [find(prompt, "DSG_LoadEmbeddedModel"), 1]
    elif setting.spherical:
        sampler["guidance_rate"] = setting.strength
    if setting.automatic:
        rate = {"share": setting.strength, "start_percent": 0.0, "end_percent": 1.0}
        prompt["rate"] = {"class_type": "DSG_AutomaticGuidanceRate", "inputs": rate}
        sampler["rate_blend"] = ["rate", 0]
    if setting.guided and setting.method != "DSG":
        prompt["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": setting.method_inputs}
        sampler["method"] = ["method", 0]
    return prompt


def restore(host: Client, prompt: dict, on_step: Callable[[str, int, int], None] | None = None) -> Restoration:
    """Run such a prompt."""
    outputs = host.run(prompt, on_step)

    def pictures(number: str) -> np.ndarray:
        shown = outputs[number]["images"]
        return np.stack([np.asarray(Image.open(io.BytesIO(host.picture(entry))).convert("RGB")) for entry in shown])

    known = next(
        number
        for number, node in prompt.items()
        if node["class_type"] == "PreviewImage" and node["inputs"]["images"][0] == find(prompt, "ImageCompositeMasked")
    )
    report = json.loads(outputs[find(prompt, "DSG_GuidanceReport")]["text"][0])
    return Restoration(pictures(known), pictures(find(prompt, "SaveImage")), report)


def psnr(restored: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of each picture, uint8 `[N, H, W, 3]` → `[N]`."""
    error = np.square(restored.astype(np.float64) - truth.astype(np.float64)).mean(axis=(1, 2, 3))
    return 10 * np.log10(255**2 / error)
