"""Pose in the host: eyes and mouths come to lie where they lie on references, by a judge that guidance never sees."""

import shutil

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation

from embedded.held_out import held_out_faces, held_out_maps
from embedded.judges.segmentation import SegmentationJudge
from guidance_losses.networks.pose import PoseNetwork, cut_out
from guidance_losses.networks.transformers_folder import Preprocessing
from tasks.judging import tensor
from tools.graph import Graph, Result, loss, run, sample
from tools.server import PromptError

COUNT, SIDE = 6, 64
ROWS, COLUMNS, CELLS = 64, 48, 2  # the network's pictures, and their pixels each way in a cell of the heat
EYES, MOUTH = 4, 5
SPREAD = 1.2  # of the heat around a keypoint, in cells
PREPARED = {"size": {"height": ROWS, "width": COLUMNS}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}


def keypoints(maps: np.ndarray) -> np.ndarray:
    """The left eye, the right one and the mouth on segmentation maps `[N, 64, 64]`: (x, y) in pixels, `[N, 3, 2]`.

    NaN where there is none.
    """
    found = np.full((len(maps), 3, 2), np.nan)
    for number, parts in enumerate(maps):
        rows, columns = np.nonzero(parts == EYES)
        if len(rows):
            left = columns < columns.mean()
            for side, chosen in enumerate((left, ~left)):
                if chosen.any():
                    found[number, side] = columns[chosen].mean() + 0.5, rows[chosen].mean() + 0.5
        rows, columns = np.nonzero(parts == MOUTH)
        if len(rows):
            found[number, 2] = columns.mean() + 0.5, rows.mean() + 0.5
    return found


def heat(places: np.ndarray, wrapper: PoseNetwork) -> Tensor:
    """What is to be learned: a spot for each keypoint, none where there is none, `[N, 3, h, w]`."""
    left, top, right, bottom = wrapper.region(torch.tensor([0, 0, SIDE, SIDE]))
    rows, columns = ROWS // CELLS, COLUMNS // CELLS
    x = (places[..., 0] - left) / (right - left) * columns - 0.5
    y = (places[..., 1] - top) / (bottom - top) * rows - 0.5
    far = (np.arange(columns) - x[..., None, None]) ** 2 + (np.arange(rows)[:, None] - y[..., None, None]) ** 2
    return torch.from_numpy(np.nan_to_num(np.exp(-far / (2 * SPREAD**2)))).float()


@pytest.fixture(scope="module")
def pose_network(base):
    """A small ViTPose that has learned the eyes and mouths of the held-out people, but for the first ones."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "mlp_ratio": 2, "out_indices": [3]}
    backbone = VitPoseBackboneConfig(**sizes, image_size=[ROWS, COLUMNS], patch_size=[8, 8])
    network = VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=3, scale_factor=4))
    wrapper = PoseNetwork(network, Preprocessing.read(PREPARED))
    faces = tensor(held_out_faces())
    images = wrapper.seen(cut_out(faces, wrapper.region(torch.tensor([0, 0, SIDE, SIDE]))))
    wanted = heat(keypoints(held_out_maps()), wrapper)
    optimizer = torch.optim.Adam(network.train().requires_grad_(True).parameters(), lr=3e-3)
    for _ in range(250):
        chosen = torch.randint(COUNT, len(images), (32,))
        optimizer.zero_grad()
        error = (network(images[chosen]).heatmaps - wanted[chosen]).square()
        ((1 + 20 * wanted[chosen]) * error).mean().backward()  # most of a picture is no keypoint
        optimizer.step()
    folder = base / "models" / "dsg" / "pose" / "faces-pose"
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(str(PREPARED).replace("'", '"'))
    yield folder.name
    shutil.rmtree(folder)


def guided(host, name: str, count: int = COUNT, steps: int = 12, mask: float | None = None, **changes) -> Result:
    """Each picture is to have the keypoints of one of the first people.

    Args:
        mask: the value of a person mask over the whole picture.
    """
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=count)
    network = graph.add("DSG_LoadPoseModel", model_name=name)
    inputs = {"image": [graph.add("DSG_LoadEmbeddedFaces", first=0, count=count, picture="first"), 0]}
    if mask is not None:
        inputs["person_mask"] = [graph.add("SolidMask", value=mask, width=SIDE, height=SIDE), 0]
    positive = loss(graph, "DSG_PoseLoss", [model, 1], model=[network, 0], **(inputs | changes))
    return run(host, graph, *sample(graph, model, positive, 0, steps, guidance_rate=0.2))


@torch.no_grad()
def distance(pictures: np.ndarray) -> float:
    """Median distance in pixels of the keypoints that the judge sees from those of the references."""
    found = keypoints(SegmentationJudge.load()(tensor(pictures)).argmax(1).numpy())
    return float(np.nanmedian(np.linalg.norm(found - keypoints(held_out_maps()[: len(pictures)]), axis=-1)))


@pytest.fixture(scope="module")
def unguided(host, pose_network) -> Result:
    return guided(host, pose_network, weight=0.0)


@pytest.mark.parametrize("mask", [None, 1.0])
def test_keypoints_come_to_lie_where_the_references_have_them(host, pose_network, unguided, mask):
    made = guided(host, pose_network, mask=mask)
    assert made.report["skipped"] == 0
    assert distance(made.pictures) < 0.6 * distance(unguided.pictures)


def test_a_black_mask_is_one_sentence(host, pose_network):
    with pytest.raises(PromptError, match=r"^Pose Loss: the person mask is black everywhere; [^\n]*$"):
        guided(host, pose_network, 1, 2, mask=0.0)


def test_a_reference_without_a_person_is_one_sentence(host, pose_network):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    network = graph.add("DSG_LoadPoseModel", model_name=pose_network)
    grey = graph.add("EmptyImage", width=64, height=64, batch_size=1, color=0)
    positive = loss(graph, "DSG_PoseLoss", [model, 1], model=[network, 0], image=[grey, 0])
    with pytest.raises(PromptError, match=r"Pose Loss.* the model sees no person on reference picture 1"):
        run(host, graph, *sample(graph, model, positive, 0, 2, guidance_rate=0.2))


def test_a_folder_that_is_not_there_says_where_to_put_one(host):
    with pytest.raises(PromptError, match=r"Load Pose Model: there is no .* in .*/dsg/pose"):
        guided(host, "there is none yet", 1, 2)


def test_the_pose_of_a_picture_is_previewed(host, pose_network):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    network = graph.add("DSG_LoadPoseModel", model_name=pose_network)
    face = graph.add("DSG_LoadEmbeddedFaces", first=0, count=1, picture="first")
    positive = loss(graph, "DSG_PoseLoss", [model, 1], model=[network, 0], image=[face, 0])
    seen = graph.add("DSG_LossPreview", conditioning=positive, image=[face, 0])
    value, shown = graph.add("PreviewAny", source=[seen, 1]), graph.add("PreviewImage", images=[seen, 0])
    outputs = host.run(graph.nodes)
    assert float(outputs[value]["text"][0].split(": ")[1]) == pytest.approx(0, abs=1e-3)
    assert outputs[shown]["images"]
