"""Stable Diffusion 1.5 in full size, and losses with networks of theirs, on small pictures; all weights are random."""

import json
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from tools.comfyui import REPOSITORY
from tools.graph import Graph, loss
from tools.random_models import iresnet50
from tools.workflow import find, to_prompt

TEMPLATE = REPOSITORY / "workflows" / "02 Mask (SD 1.5).json"
SIDE = 128
GRADIENT = "finite difference"  # the quickest through the whole UNet; `benchmarks.gradient_modes` has the others


@pytest.fixture(scope="module")
def networks(base) -> Path:
    """SegFormer-B0 with the 150 classes of ADE20K, ViT-B-16 and iresnet50, where a user puts them."""
    models = base / "models"
    torch.manual_seed(0)
    SegformerForSemanticSegmentation(SegformerConfig(num_labels=150)).half().save_pretrained(
        models / "dsg" / "segmentation" / "segformer-b0"
    )
    (models / "clip").mkdir(exist_ok=True)
    clip = open_clip.create_model("ViT-B-16", precision="fp16")
    save_file(clip.state_dict(), models / "clip" / "vit-b-16.safetensors")
    faces = models / "insightface" / "models" / "full_size"
    faces.mkdir(parents=True, exist_ok=True)
    picture = torch.zeros(1, 3, 112, 112)
    torch.onnx.export(iresnet50(), (picture,), faces / "w600k_r50.onnx", opset_version=11, dynamo=False)
    return models


def test_segformer_vit_and_iresnet_guide_a_step(host, checkpoint, networks):
    graph = Graph()
    model = graph.add("CheckpointLoaderSimple", ckpt_name=checkpoint)
    text = [graph.add("CLIPTextEncode", clip=[model, 1], text="a portrait"), 0]
    person = graph.add("DSG_LoadEmbeddedFaces", first=0, count=1)
    image = [graph.add("ImageScale", image=[person, 0], width=SIDE, height=SIDE, upscale_method="bicubic"), 0]
    graph.nodes[image[0]]["inputs"]["crop"] = "disabled"

    segformer = [graph.add("DSG_LoadSegmentationModel", model_name="segformer-b0"), 0]
    wanted = {"model": segformer, "image": image, "classes": "all", "distance": "cross-entropy"}
    guided = loss(graph, "DSG_SegmentationLoss", text, **wanted)
    clip = [graph.add("DSG_LoadCLIP", clip_name="vit-b-16.safetensors", architecture="ViT-B-16"), 0]
    wanted = {"clip": clip, "image": image, "layers": "3", "distance": "log-Gram"}
    guided = loss(graph, "DSG_StyleLoss", guided, **wanted)
    guided = loss(graph, "DSG_TextLoss", guided, clip=clip, text="a red door", negative="", cut_outs=2)
    iresnet = [graph.add("DSG_LoadFaceModel", model_name="full_size/w600k_r50.onnx"), 0]
    wanted = {"model": iresnet, "image": image, "crop": "portrait", "one_each": False}
    guided = loss(graph, "DSG_FaceIDLoss", guided, **wanted)

    method = graph.add("DSG_GuidanceMethod", method="DPS", step_size=1.0, gradient=GRADIENT)
    run = graph.add(
        "DSG_KSampler",
        model=[model, 0],
        positive=guided,
        negative=text,
        latent_image=[graph.add("EmptyLatentImage", width=SIDE, height=SIDE, batch_size=1), 0],
        vae=[model, 2],
        seed=0,
        steps=1,
        cfg=1.0,
        scheduler="normal",
        denoise=1.0,
        guidance_rate=0.2,
        method=[method, 0],
    )
    shown = graph.add("DSG_GuidanceReport", report=[run, 1])
    report = json.loads(host.run(graph.nodes)[shown]["text"][0])

    assert report["gradient_modes"] == [GRADIENT]
    assert report["guided_steps"] == 1
    assert report["skipped"] == 0
    step = report["steps"][0]
    assert step["gradient_norm"][0] > 0
    assert list(step["losses"]) == ["segmentation", "style", "text", "face identity"]
    assert all(torch.tensor(values).isfinite().all() for values in step["losses"].values())


def test_the_template_runs_on_a_full_sd15_checkpoint(host, checkpoint):
    """The host's network, KL VAE and CLIP; small pictures and two steps; the graph is the template's own."""
    prompt = to_prompt(json.loads(TEMPLATE.read_text(encoding="utf-8")), host.get("/object_info").json())
    inputs = {node["class_type"]: node["inputs"] for node in prompt.values()}
    inputs["CheckpointLoaderSimple"]["ckpt_name"] = checkpoint
    inputs["EmptyLatentImage"] |= {"width": SIDE, "height": SIDE}
    inputs["DSG_KSampler"]["steps"] = 2
    outputs = host.run(prompt)
    report = json.loads(outputs[find(prompt, "DSG_GuidanceReport")]["text"][0])
    assert report["guided_steps"] == 1
    assert report["skipped"] == 0
    assert report["steps"][0]["gradient_norm"][0] > 0
    assert outputs[find(prompt, "SaveImage")]["images"]
