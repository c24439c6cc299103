"""Segmentation in the host: maps and masks are followed, judged by a network that guidance never sees."""

import io
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from embedded.held_out import held_out_maps
from embedded.judges.segmentation import SegmentationJudge
from tasks.judging import tensor
from tasks.task import TASKS
from tasks.wiring import Batch
from tools.graph import Graph, Result, run, sample
from tools.server import Client, PromptError

COUNT, HAIR = 4, 2


def guided(host: Client, network: str = "faces", steps: int = 20, count: int = COUNT, **changes: object) -> Result:
    """Pictures of which each follows the hair of one held-out person, as a mask. `changes`: inputs of the loss."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=count)
    segmentation = graph.add("DSG_LoadSegmentationModel", model_name=network)
    faces = graph.add("DSG_LoadEmbeddedFaces", first=0, count=count, picture="first")
    seen = graph.add("DSG_SegmentPicture", model=[segmentation, 0], image=[faces, 0], classes="hair")
    more = graph.add("DSG_LoadEmbeddedFaces", first=0, count=3, picture="first")
    sources = {"faces": [faces, 0], "hair": [seen, 1], "three faces": [more, 0]}
    inputs = {"model": [segmentation, 0], "classes": "hair", "distance": "cross-entropy", "mask": "hair"}
    inputs |= {"conditioning": [model, 1], "weight": 1.0, "start_percent": 0.0, "end_percent": 1.0} | changes
    inputs = {name: value for name, value in inputs.items() if value is not None}
    inputs |= {name: sources[value] for name, value in inputs.items() if name in ("image", "mask")}
    loss = graph.add("DSG_SegmentationLoss", **inputs)
    return run(host, graph, *sample(graph, model, [loss, 0], 0, steps, guidance_rate=0.2))


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return guided(host, weight=0.0).pictures


@torch.no_grad()
def hair_overlap(pictures: np.ndarray) -> float:
    """Mean intersection over union of the hair that the judge finds and that of the held-out people."""
    found = SegmentationJudge.load()(tensor(pictures)).argmax(1).numpy() == HAIR
    wanted = held_out_maps()[: len(pictures)] == HAIR
    return float(np.mean((found & wanted).sum((1, 2)) / np.maximum((found | wanted).sum((1, 2)), 1)))


@pytest.mark.parametrize("distance", ["cross-entropy", "probability"])
def test_hair_grows_where_the_mask_is_white_and_nowhere_else(host, unguided, distance):
    assert hair_overlap(guided(host, distance=distance).pictures) > hair_overlap(unguided) + 0.25


def test_all_parts_lie_where_the_reference_has_them(host, unguided):
    made = guided(host, classes="all", mask=None, image="faces").pictures
    before, after = (
        TASKS["segmentation"].judge(pictures, Batch(0))["mean IoU"].mean() for pictures in (unguided, made)
    )
    assert before < 0.45
    assert after > 0.75


def pictures(host: Client, shown: dict) -> np.ndarray:
    files = [Image.open(io.BytesIO(host.picture(entry))).convert("RGB") for entry in shown["images"]]
    return np.stack([np.asarray(file) for file in files])


def test_segment_picture_shows_what_the_network_sees(host):
    """On people it has never seen: one colour a class, the mask of two classes, and the shares of the pixels."""
    graph = Graph()
    network = graph.add("DSG_LoadSegmentationModel", model_name="faces")
    faces = graph.add("DSG_LoadEmbeddedFaces", first=0, count=COUNT, picture="first")
    seen = graph.add("DSG_SegmentPicture", model=[network, 0], image=[faces, 0], classes="Hair , skin")
    mask = graph.add("MaskToImage", mask=[seen, 1])
    shown = [graph.add("PreviewImage", images=[picture, 0]) for picture in (seen, mask)]
    told = graph.add("PreviewAny", source=[seen, 2])
    outputs = host.run(graph.nodes)
    colors, white = (pictures(host, outputs[key]) for key in shown)
    maps = held_out_maps()[:COUNT]
    assert ((white[..., 0] > 127) == np.isin(maps, (1, HAIR))).mean() > 0.97
    lines = "".join(outputs[told]["text"]).splitlines()
    assert len(np.unique(colors.reshape(-1, 3), axis=0)) == len(lines)
    assert sum(float(line.split(":")[1].split("%")[0]) for line in lines) == pytest.approx(100, abs=0.5)
    color = next(line.split("#")[1] for line in lines if line.startswith("hair"))
    is_hair = (colors == [int(color[i : i + 2], 16) for i in (0, 2, 4)]).all(-1)
    assert (is_hair == (maps == HAIR)).mean() > 0.97


@pytest.fixture
def segformer(base):
    """A SegFormer-B0 for ADE20K's 150 classes, with random weights, among the user's models."""
    torch.manual_seed(0)
    names = {number: f"thing {number}" for number in range(149)} | {149: "hair"}
    config = SegformerConfig(id2label=names, label2id={name: number for number, name in names.items()})
    folder = base / "models" / "dsg" / "segmentation" / "segformer-b0"
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text('{"size": {"height": 512, "width": 512}}')
    yield folder.name
    shutil.rmtree(folder)


def test_a_segformer_of_full_size_guides(host, segformer):
    first = guided(host, segformer, 2, 1).report["steps"][0]
    assert 0 < first["losses"]["segmentation"][0] < 20
    assert first["gradient_norm"][0] > 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": "faces"}, ["connect either an image", "or a mask"]),
        ({"mask": None}, ["connect either an image", "or a mask"]),
        ({"classes": "hair, skin"}, ["classes names 2; name one"]),
        ({"classes": "wings"}, ["no class 'wings'", "background, skin, hair"]),
        ({"mask": None, "image": "three faces", "count": 2}, ["were given for 2 pictures", "give one"]),
    ],
)
def test_bad_input_is_one_sentence(host, changes, words):
    with pytest.raises(PromptError) as error:
        guided(host, steps=2, **({"count": 1} | changes))
    message = str(error.value)
    assert all(word in message for word in words), message
    assert message.startswith("Segmentation Loss")
    assert "\n" not in message
