"""Depth in the host: pictures get the relief of their references, by a judge that guidance never sees."""

import shutil

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

from embedded.held_out import held_out_faces, held_out_maps
from embedded.judges.segmentation import SegmentationJudge
from guidance_losses.depth import aligned
from tasks.judging import tensor
from tools.graph import Graph, Result, loss, run, sample
from tools.server import PromptError

COUNT = 8
# How near the parts of a face are: background, skin, hair, clothes, eyes, mouth, glasses.
NEARNESS = np.array([0.0, 0.7, 0.55, 0.4, 0.75, 0.8, 0.9], dtype=np.float32)


def relief(maps: np.ndarray) -> Tensor:
    """Segmentation maps `[N, 64, 64]` → nearness `[N, 1, 64, 64]`."""
    return torch.from_numpy(NEARNESS[maps])[:, None]


@pytest.fixture(scope="module")
def depth_network(base):
    """A small Depth Anything that has learned the relief of the held-out people, but for the first eight."""
    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=3,
        mlp_ratio=2,
        image_size=64,
        patch_size=8,
        out_indices=[2, 3],
        reshape_hidden_states=False,
        layerscale_value=1.0,
    )
    sizes = {"reassemble_hidden_size": 48, "reassemble_factors": [2, 1], "neck_hidden_sizes": [24, 24]}
    sizes |= {"fusion_hidden_size": 16, "head_hidden_size": 16, "patch_size": 8}
    network = DepthAnythingForDepthEstimation(DepthAnythingConfig(backbone_config=backbone, **sizes)).train()
    torch.nn.init.constant_(network.head.conv3.bias, 1.0)  # a ReLU follows
    images, wanted = (tensor(held_out_faces()) - 0.5) / 0.5, aligned(relief(held_out_maps()))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(120):
        chosen = torch.randint(COUNT, len(images), (24,))
        optimizer.zero_grad()
        found = aligned(network(images[chosen]).predicted_depth[:, None])
        (found - wanted[chosen]).square().mean().backward()
        optimizer.step()
    folder = base / "models" / "dsg" / "depth" / "faces-depth"
    network.save_pretrained(folder)
    prepared = '{"size": {"height": 64, "width": 64}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'
    (folder / "preprocessor_config.json").write_text(prepared)
    yield folder.name
    shutil.rmtree(folder)


def guided(host, name: str, source: str | None = "image", count: int = COUNT, steps: int = 12, **changes) -> Result:
    """Pictures that are to have the relief of the first people, by their pictures or by a depth map of the first.

    Args:
        source: "image"; or "depth_map": white where the first person is.
    """
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=count)
    network = graph.add("DSG_LoadDepthModel", model_name=name)
    faces = graph.add("DSG_LoadEmbeddedFaces", first=0, count=count, picture="first")
    segmenter = graph.add("DSG_LoadSegmentationModel", model_name="faces")
    person = graph.add("DSG_SegmentPicture", model=[segmenter, 0], image=[faces, 0], classes="background")
    light = graph.add("MaskToImage", mask=[graph.add("InvertMask", mask=[person, 1]), 0])
    sources = {"image": [faces, 0], "depth_map": [light, 0], "coloured": [faces, 0]}
    inputs = {"depth_map" if source == "coloured" else source: sources[source]} if source else {}
    positive = loss(graph, "DSG_DepthLoss", [model, 1], model=[network, 0], **(inputs | changes))
    return run(host, graph, *sample(graph, model, positive, 0, steps, guidance_rate=0.2))


@torch.no_grad()
def likeness(pictures: np.ndarray, wanted: np.ndarray) -> float:
    """Mean rank correlation of the relief that the judge sees with those that are wanted, `[N, 64, 64]`."""
    found = NEARNESS[SegmentationJudge.load()(tensor(pictures)).argmax(1).numpy()]
    return float(np.mean([spearmanr(one.ravel(), other.ravel())[0] for one, other in zip(found, wanted)]))


@pytest.fixture(scope="module")
def unguided(host, depth_network) -> np.ndarray:
    return guided(host, depth_network, weight=0.0).pictures


def test_pictures_get_the_relief_of_their_references(host, depth_network, unguided):
    wanted = relief(held_out_maps()[:COUNT])[:, 0].numpy()
    made = guided(host, depth_network).pictures
    assert likeness(made, wanted) > likeness(unguided, wanted) + 0.5 * (1 - likeness(unguided, wanted))


def test_pictures_get_the_relief_of_a_depth_map(host, depth_network, unguided):
    wanted = (held_out_maps()[:COUNT] > 0).astype(np.float32)
    made = guided(host, depth_network, "depth_map").pictures
    assert likeness(made, wanted) > likeness(unguided, wanted) + 0.5 * (1 - likeness(unguided, wanted))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": None}, "connect either an image, whose depth is copied, or a depth map"),
        ({"source": "coloured"}, "the depth map is coloured"),
    ],
)
def test_bad_input_is_one_sentence(host, depth_network, changes, words):
    with pytest.raises(PromptError) as error:
        guided(host, depth_network, count=1, steps=2, **changes)
    assert str(error.value).startswith("Depth Loss: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_map_without_relief_is_one_sentence(host, depth_network):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    network = graph.add("DSG_LoadDepthModel", model_name=depth_network)
    grey = graph.add("EmptyImage", width=64, height=64, batch_size=1, color=0x808080)
    positive = loss(graph, "DSG_DepthLoss", [model, 1], model=[network, 0], depth_map=[grey, 0])
    with pytest.raises(PromptError, match=r"Depth Loss.* the depth that is asked for is the same everywhere"):
        run(host, graph, *sample(graph, model, positive, 0, 2, guidance_rate=0.2))


def test_a_folder_that_is_not_there_says_where_to_put_one(host):
    with pytest.raises(PromptError, match=r"Load Depth Model: there is no .* in .*/dsg/depth"):
        guided(host, "there is none yet", count=1, steps=2)


def test_both_maps_are_previewed(host, depth_network):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    network = graph.add("DSG_LoadDepthModel", model_name=depth_network)
    one, other = (graph.add("DSG_LoadEmbeddedFaces", first=first, count=1, picture="first") for first in (0, 1))
    positive = loss(graph, "DSG_DepthLoss", [model, 1], model=[network, 0], image=[one, 0])
    values = []
    for face in (one, other):
        seen = graph.add("DSG_LossPreview", conditioning=positive, image=[face, 0])
        values.append(graph.add("PreviewAny", source=[seen, 1]))
    outputs = host.run(graph.nodes)
    same, different = (float(outputs[key]["text"][0].split(": ")[1]) for key in values)
    assert same == pytest.approx(0, abs=1e-3)
    assert 0.05 < different < 2
