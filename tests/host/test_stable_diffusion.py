"""The Stable Diffusion template on the host's full SD 1.5 network, KL VAE and CLIP, with random weights."""

import json

from tools.comfyui import REPOSITORY
from tools.workflow import find, to_prompt

TEMPLATE = REPOSITORY / "workflows" / "02 Mask (SD 1.5).json"


def test_the_template_runs_on_a_full_sd15_checkpoint(host, checkpoint):
    """Small pictures and two steps; the graph is the template's own."""
    prompt = to_prompt(json.loads(TEMPLATE.read_text()), host.get("/object_info").json())
    inputs = {node["class_type"]: node["inputs"] for node in prompt.values()}
    inputs["CheckpointLoaderSimple"]["ckpt_name"] = checkpoint
    inputs["EmptyLatentImage"] |= {"width": 128, "height": 128}
    inputs["DSG_KSampler"]["steps"] = 2
    outputs = host.run(prompt)
    report = json.loads(outputs[find(prompt, "DSG_GuidanceReport")]["text"][0])
    assert report["guided_steps"] == 1
    assert report["skipped"] == 0
    assert report["steps"][0]["gradient_norm"][0] > 0
    assert outputs[find(prompt, "SaveImage")]["images"]
