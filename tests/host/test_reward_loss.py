"""A reward guides in the host: pictures get what it likes, to a judge that guidance never sees, and no more of it."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from embedded.held_out import held_out_faces, held_out_facts
from embedded.judges.attributes import FaceJudge
from guidance_losses.networks.clip import load_clip
from tasks.judging import tensor
from tools.comfyui import REPOSITORY
from tools.graph import Graph, Result, loss, run, sample
from tools.server import PromptError

LIKED = "pink"  # hair
TEXT = f"a person with {LIKED} hair"
LOWEST, HIGHEST = 1.0, 10.0


@pytest.fixture(scope="module")
def head(base) -> Iterator[str]:
    """A linear head among the user's models, from the mean features of what it likes, 10, and of the others, 1."""
    clip = load_clip(REPOSITORY / "embedded" / "weights" / "clip" / "faces")
    with torch.no_grad():
        features = clip.encode_images(tensor(held_out_faces()))
    likes = torch.tensor([facts["hair_color"] == LIKED for facts in held_out_facts()])
    low, high = features[~likes].mean(0), features[likes].mean(0)
    weight = (HIGHEST - LOWEST) * (high - low) / (high - low).square().sum()
    folder = base / "models" / "dsg" / "reward"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"weight": weight[None], "bias": LOWEST - (weight @ low)[None]}, folder / "likes.safetensors")
    yield "likes.safetensors"
    (folder / "likes.safetensors").unlink()


def guided(host, head: str | None, prompt: str = "", goal: float = 13.0, steps: int = 20, **changes: float) -> Result:
    """Eight pictures. `changes`: inputs of the loss."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=8)
    inputs = {"clip": [graph.add("DSG_LoadCLIP", clip_name="faces", architecture="from the folder"), 0]}
    inputs |= {"prompt": prompt, "goal": goal} | changes
    if head:
        inputs["head"] = [graph.add("DSG_LoadRewardHead", model_name=head), 0]
    positive = loss(graph, "DSG_RewardLoss", [model, 1], **inputs)
    return run(host, graph, *sample(graph, model, positive, 0, steps, guidance_rate=0.1))


def liked(pictures: np.ndarray) -> float:
    """The share of the pictures that show what is liked, by the judge."""
    return float(np.mean([found == LIKED for found in FaceJudge.load().attributes(tensor(pictures))["hair_color"]]))


def losses(result: Result) -> np.ndarray:
    """`[steps, pictures]`, of the steps that were guided."""
    return np.array([step["losses"]["reward"] for step in result.report["steps"] if step["losses"]])


def test_pictures_show_what_a_head_or_a_prompt_likes(host, head):
    unguided = liked(guided(host, head, weight=0.0).pictures)
    assert unguided < 0.5
    assert liked(guided(host, head).pictures) > unguided + 0.3
    assert liked(guided(host, None, TEXT, goal=25.0).pictures) > unguided + 0.3


def test_a_goal_that_is_reached_ends_the_guidance(host, head):
    """A goal that every picture has from the first step on leaves them as they are."""
    as_they_are, ended = guided(host, head, steps=5, weight=0.0), guided(host, head, steps=5, goal=-100.0)
    assert (losses(ended) == 0).all()
    assert (ended.pictures == as_they_are.pictures).all()
    assert ended.report["skipped"] == losses(ended).size


@pytest.mark.parametrize(
    ("with_head", "prompt", "words"),
    [
        (False, " ", "give one thing that is to be pleased"),
        (True, TEXT, "give one thing that is to be pleased"),
        (False, "hair " * 100, "and this CLIP reads at most"),
    ],
)
def test_bad_input_is_one_sentence(host, head, with_head, prompt, words):
    with pytest.raises(PromptError) as error:
        guided(host, head if with_head else None, prompt)
    assert str(error.value).startswith("Reward Loss: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_head_and_one_that_is_not_there_are_one_sentence(host, head, base):
    other = base / "models" / "dsg" / "reward" / "other.safetensors"
    save_file({"weight": torch.zeros(2, 128), "bias": torch.zeros(2)}, other)
    for name, words in ((other.name, "it gives 2 numbers, and a reward is one"), ("none", "there is no 'none' in ")):
        with pytest.raises(PromptError) as error:
            guided(host, name)
        assert str(error.value).startswith("Load Reward Head: ")
        assert words in str(error.value)
    other.unlink()


def test_best_of_n_chooses_by_a_reward_that_pushes_nothing(host, head):
    """At a rate of 0 each try is an unguided run; the one that is kept has the highest reward."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=4)
    clip = [graph.add("DSG_LoadCLIP", clip_name="faces", architecture="from the folder"), 0]
    wanted = {"clip": clip, "head": [graph.add("DSG_LoadRewardHead", model_name=head), 0], "prompt": "", "goal": 100.0}
    rewarded = loss(graph, "DSG_RewardLoss", [model, 1], **wanted)
    shown, _ = sample(graph, model, rewarded, 0, 6, {"tries": 3, "try_steps": 6}, guidance_rate=0.0)
    (best,) = (key for key, node in graph.nodes.items() if node["class_type"] == "DSG_BestNoise")
    sampler = next(node["inputs"] for node in graph.nodes.values() if node["class_type"] == "DSG_KSampler")
    sampler["positive"] = [model, 1]
    seen = graph.add("DSG_LossPreview", conditioning=rewarded, image=[graph.nodes[shown]["inputs"]["images"][0], 0])
    values = graph.add("PreviewAny", source=[seen, 1])
    outputs = host.run(graph.nodes)
    scores = np.array([re.findall(r"[\d.]+", line.partition("(")[2]) for line in outputs[best]["text"][0].splitlines()])
    made = [float(value) for value in re.findall(r"\d+\.\d+|\d+", outputs[values]["text"][0].partition(":")[2])]
    assert scores.shape == (4, 3)
    assert (scores.astype(float).std(axis=1) > 0).all()
    assert made == pytest.approx(scores.astype(float).min(axis=1), rel=0.02)
