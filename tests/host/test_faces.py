"""Faces in the host: who is on the picture, judged by a network that guidance never sees; detectors and their files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from embedded.held_out import held_out_faces
from embedded.judges.identity import IdentityJudge
from tasks.judging import tensor
from tests.guidance_losses.networks.scrfd import RedScrfd, export
from tools.comfyui import REPOSITORY
from tools.graph import Graph, Result, run, sample
from tools.server import Client, PromptError

RECOGNISER, DETECTOR = "faces_irse.onnx", "buffalo_l/det_10g.onnx"
BATCH, STEPS, FEW_STEPS = 4, 20, 6
RED_PLACE = (40, 24)  # x and y of the one red square, an anchor of the detector


@pytest.fixture(scope="module")
def files(base: Path) -> Path:
    """A detector where insightface puts it, which takes 24 red pixels for a face, and pictures to look at."""
    place = base / "models" / "insightface" / "models" / DETECTOR
    place.parent.mkdir(parents=True)
    export(RedScrfd(), place, 64)
    shutil.copy(REPOSITORY / "embedded" / "weights" / "face" / RECOGNISER, place.with_name("w600k_r50.onnx"))
    red = np.full((64, 64, 3), 90, np.uint8)
    x, y = RED_PLACE
    red[y - 12 : y + 12, x - 12 : x + 12] = (255, 0, 0)
    Image.fromarray(red).save(base / "input" / "red.png")
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(base / "input" / "grey.png")
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(base / "input" / "small.png")
    return base


def guided(
    host: Client,
    kind: str | None = "DSG_FaceIDLoss",
    picture: str | list = "red.png",
    mask: str | None = None,
    model: dict | None = None,
    steps: int = FEW_STEPS,
    **inputs: object,
) -> Result:
    """Four pictures with one loss; unguided without a kind.

    Args:
        picture: a file, or (first person, number of people, which picture) of held-out faces, one after the other.
        mask: a file.
        model: inputs of the loader; others are the loss's.
    """
    graph = Graph()
    diffusion = graph.add("DSG_LoadEmbeddedModel", model_name="faces", style="any", batch_size=BATCH)
    positive = [diffusion, 1]
    if kind:
        network = graph.add("DSG_LoadFaceModel", **({"model_name": RECOGNISER} | (model or {})))
        given = {"conditioning": positive, "model": [network, 0], "weight": 1.0}
        given |= {"start_percent": 0.0, "end_percent": 1.0, **inputs}
        if kind == "DSG_FaceIDLoss":
            given = {"crop": "whole picture", "one_each": False} | given
        if isinstance(picture, str):
            given["image"] = [graph.add("LoadImage", image=picture), 0]
        else:
            each = [
                [graph.add("DSG_LoadEmbeddedFaces", first=first, count=count, picture=which), 0]
                for first, count, which in picture
            ]
            given["image"] = each[0]
            for other in each[1:]:
                given["image"] = [graph.add("ImageBatch", image1=given["image"], image2=other), 0]
        if mask:
            given["face_mask"] = [graph.add("LoadImageMask", image=mask, channel="red"), 0]
        positive = [graph.add(kind, **given), 0]
    shown, report = sample(graph, diffusion, positive, 3, steps, guidance_rate=0.2)
    return run(host, graph, shown, report)


WITH_DETECTOR = {"detector": DETECTOR}


@pytest.fixture(scope="module")
def unguided(host) -> np.ndarray:
    return guided(host, None).pictures


@torch.no_grad()
def test_two_references_of_one_person_make_the_pictures_like_that_person(host):
    """By the judge, on average over four pictures."""
    judge, person = IdentityJudge.load(), 9
    known = torch.nn.functional.normalize(sum(judge(tensor(held_out_faces(i)[[person]])) for i in (0, 1)))
    before = guided(host, None, steps=STEPS)
    after = guided(host, picture=[(person, 1, "first"), (person, 1, "second")], steps=STEPS)
    likeness = [float((judge(tensor(each.pictures)) @ known.T).mean()) for each in (before, after)]
    assert likeness[1] > likeness[0] + 0.2


def test_a_reference_without_a_face_stops_the_run(host, files):
    with pytest.raises(PromptError, match=r"^FaceID Loss: there is no face on reference picture 1; .*skip\.$"):
        guided(host, picture="grey.png", model=WITH_DETECTOR)


def test_a_reference_without_a_face_can_be_skipped(host, files, unguided):
    for kind in ("DSG_FaceIDLoss", "DSG_LandmarkLoss"):
        result = guided(host, kind, picture="grey.png", model=WITH_DETECTOR, no_face="skip")
        assert np.abs(result.pictures.astype(int) - unguided).max() <= 2  # levels of 255: other kernels round otherwise
        values = [value for step in result.report["steps"] for values in step["losses"].values() for value in values]
        assert set(values) == {0}


def test_a_face_that_the_detector_finds_guides(host, files):
    """With insightface's folder: recogniser and detector side by side."""
    result = guided(host, model={"model_name": "buffalo_l/w600k_r50.onnx", **WITH_DETECTOR})
    values = [np.mean(step["losses"]["face identity"]) for step in result.report["steps"] if step["losses"]]
    assert values[-1] < 0.8 * values[0]


def test_landmarks_bring_what_the_detector_sees_to_the_place(host, files, unguided):
    """By plain arithmetic: in the square where the reference is red, the pictures become redder than beside it."""
    x, y = RED_PLACE
    inside = np.zeros((64, 64), bool)
    inside[y - 12 : y + 12, x - 12 : x + 12] = True

    def redness(pictures: np.ndarray) -> np.ndarray:
        red = pictures[..., 0].astype(float) - pictures[..., 1:].max(-1)
        return red[:, inside].mean(1) - red[:, ~inside].mean(1)

    pictures = guided(host, "DSG_LandmarkLoss", model=WITH_DETECTOR).pictures
    assert (redness(pictures) > redness(unguided) + 20).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"model_name": DETECTOR}}, ["det_10g.onnx cannot be used as a face network"]),
        ({"model": {"detector": RECOGNISER}}, ["faces_irse.onnx cannot be used as a face detector", "nine outputs"]),
        ({"kind": "DSG_LandmarkLoss"}, ["Landmark Loss: this face model has no detector"]),
        ({"mask": "small.png"}, ["FaceID Loss: the face mask (64×32)", "different sizes"]),
        ({"mask": "grey.png"}, ["FaceID Loss: the face mask is black everywhere"]),
        ({"mask": "red.png", "picture": [(0, 2, "first")]}, ["FaceID Loss: a face mask goes with one reference"]),
        ({"one_each": True}, ["FaceID Loss: there are 1 reference pictures for 4 pictures"]),
        ({"start_percent": 0.9, "end_percent": 0.1}, ["FaceID Loss", "swap"]),
    ],
)
def test_bad_input_is_one_sentence(host, files, changes, words):
    with pytest.raises(PromptError) as error:
        guided(host, **changes)
    message = str(error.value)
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert len(message) < 320
