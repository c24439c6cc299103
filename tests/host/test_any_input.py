"""Whatever a node is given ends in a result or in one sentence that names it, and the host goes on as before.

`DSG_CASES=20000 python -m pytest tests/host/test_any_input.py` draws so many cases instead of 2,000, others each time.
"""

import copy
import json
import os
import shutil
from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from transformers import ResNetConfig, ResNetForImageClassification

from tests.host.graphs import Run
from tests.host.odd_values import linked, typed
from tools.comfyui import REPOSITORY
from tools.graph import Graph
from tools.server import Client, PromptError
from tools.templates.layout import default_value, is_widget

NODE_IDS = sorted(path.stem for path in (REPOSITORY / "web" / "docs").glob("*.md"))
CASES = int(os.environ.get("DSG_CASES", "2000"))
SECONDS = 120  # a prompt that takes longer hangs
LONGEST = 480  # letters of a message
SHORT = {"steps": 2, "tries": 2, "try_steps": 1}
NET = "something in ComfyUI or in a library failed"  # said where no check knows better
ALLOWED = settings(
    max_examples=-(-CASES // len(NODE_IDS)),
    deadline=None,
    database=None,
    derandomize="DSG_CASES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


def proper(graph: Graph) -> dict[str, list]:
    """Kind of socket → what belongs there. The host computes these once for all cases, as each prompt has them."""
    model = graph.named("model", "DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    image = [graph.named("face", "DSG_LoadEmbeddedFaces", first=0, count=1), 0]
    mask = [graph.named("mask", "DSG_RandomMask", image=image, hidden=0.5, seed=0), 0]
    losses = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
    known = losses | {"image": image, "mask": mask, "threshold": 0.5, "restore_known": False}
    guided = [graph.named("guided", "DSG_MaskLoss", conditioning=[model, 1], **known), 0]
    clip = graph.named("clip", "DSG_LoadCLIP", clip_name="faces", architecture="from the folder")
    blend = {"start_rate": 0.2, "end_rate": 0.1, "curve": "linear", "interval": 1, "start_percent": 0.0}
    shared = {"model": [model, 0], "negative": [model, 2], "latent_image": [model, 4], "vae": [model, 3], "seed": 0}
    shared |= {"steps": 2, "cfg": 1.0, "scheduler": "normal", "denoise": 1.0, "guidance_rate": 0.2}
    run = graph.named("run", "DSG_KSampler", positive=guided, **shared)
    return {
        "MODEL": [model, 0],
        "CONDITIONING": guided,
        "VAE": [model, 3],
        "LATENT": [model, 4],
        "IMAGE": image,
        "MASK": mask,
        "CLIP_VISION": [graph.named("vision", "Test_ClipVision", kind="CLIP"), 0],
        "DSG_CLIP": [clip, 0],
        "DSG_CLASSIFIER": [graph.named("classifier", "DSG_LoadClassifier", model_name="small"), 0],
        "DSG_REWARD_HEAD": [graph.named("head", "DSG_LoadRewardHead", model_name="small.safetensors"), 0],
        "DSG_FACE": [graph.named("faces", "DSG_LoadFaceModel", model_name="faces_irse.safetensors"), 0],
        "DSG_SEGMENTATION": [graph.named("parts", "DSG_LoadSegmentationModel", model_name="faces"), 0],
        "DSG_GUIDANCE_RATE": [graph.named("blend", "DSG_GuidanceRateBlend", end_percent=1.0, **blend), 0],
        "DSG_GUIDANCE_METHOD": [graph.named("method", "DSG_GuidanceMethod", method="DPS", step_size=0.0), 0],
        "DSG_LOSS": [graph.named("own", "Test_OwnLoss", kind="good", name="own"), 0],
        "DSG_REPORT": [run, 1],
    }


USES = {"CONDITIONING": "positive", "DSG_GUIDANCE_METHOD": "method", "DSG_GUIDANCE_RATE": "rate_blend"}


@st.composite
def cases(draw, info: dict) -> dict:
    """A prompt with one node of this kind, some of whose inputs are odd. What it makes guides a run where it can."""
    graph = Graph()
    there = proper(graph)
    inputs = {}
    every = {
        name: (spec, group) for group in ("required", "optional") for name, spec in info["input"].get(group, {}).items()
    }
    strange = draw(st.sets(st.sampled_from(sorted(every)), min_size=1, max_size=3))
    for name, (spec, group) in every.items():
        kind = spec[0] if isinstance(spec[0], str) else "COMBO"
        if name in strange and is_widget(spec) and draw(st.booleans()):
            inputs[name] = draw(typed(kind))
        elif name in strange:
            made = graph.add("Test_MakeAnything", plan=json.dumps(draw(linked(kind))))
            inputs[name] = [made, 0]
        elif is_widget(spec):
            inputs[name] = SHORT.get(name, default_value(spec[0], spec[1]))
        elif kind in there and (group == "required" or draw(st.booleans())):
            inputs[name] = there[kind]
    node = graph.named("node", info["name"], **inputs)
    kind = info["output"][0]
    graph.add("PreviewAny", source=[node, 0])
    if kind in USES:
        run = copy.deepcopy(graph.nodes["run"])
        run["inputs"][USES[kind]] = [node, 0]
        graph.nodes["use"] = run
        graph.add("PreviewAny", source=["use", 0])
    return graph.nodes


def failure(host: Client, prompt: dict) -> PromptError | None:
    """What a prompt ends in, if not in a result. The host may refuse it before it runs, which is none of ours."""
    try:
        host.run(prompt, seconds=SECONDS)
    except PromptError as error:
        return error if error.node else None
    return None


def is_one_sentence(message: str) -> bool:
    return "\n" not in message and len(message) < LONGEST and NET not in message


def picture(host: Client) -> str:
    """The hash of a fixed guided latent, computed anew: another prompt before it empties the host's cache."""
    host.run({"other": {"class_type": "PreviewAny", "inputs": {"source": "nothing"}}})
    run = Run(steps=2)
    run.guide()
    steps = []
    sampled = run.sampled()
    shown = run.graph.add("Test_LatentNumbers", latent=[sampled, 0])
    outputs = host.run(run.graph.nodes, lambda node, value, most: steps.append(value))
    assert steps, "the host had it still"
    return json.loads(outputs[shown]["text"][0])["sha"]


@pytest.fixture(scope="module", autouse=True)
def of_the_user(base) -> Iterator[None]:
    """A classifier and a reward head, which do not come with the pack."""
    folder, head = base / "models/dsg/classifier/small", base / "models/dsg/reward/small.safetensors"
    sizes = {"embedding_size": 8, "hidden_sizes": [8], "depths": [1], "layer_type": "basic"}
    ResNetForImageClassification(ResNetConfig(**sizes, num_labels=2)).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text('{"size": {"height": 32, "width": 32}}')
    head.parent.mkdir(parents=True, exist_ok=True)
    save_file({"weight": torch.ones(1, 128), "bias": torch.zeros(1)}, head)
    yield
    shutil.rmtree(folder)
    head.unlink()


@pytest.fixture(scope="module")
def nodes(host) -> dict[str, dict]:
    return {name: info for name, info in host.get("/object_info").json().items() if name in NODE_IDS}


@pytest.fixture(scope="module")
def reference(host) -> str:
    return picture(host)


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_any_input_ends_in_a_result_or_in_one_sentence(host, nodes, reference, node_id):
    names = {name: info["display_name"] for name, info in nodes.items()}

    @ALLOWED
    @given(prompt=cases(nodes[node_id]))
    def every_case(prompt):
        error = failure(host, prompt)
        if error is not None:
            message = str(error)
            assert message.startswith((*names.values(), "DSG: ")), f"{error.node}: {message}"
            assert is_one_sentence(message), message

    every_case()
    assert picture(host) == reference
