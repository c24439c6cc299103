"""The tasks: how each is wired, and how it is judged by networks that guidance never sees."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.tasks.graph import Graph, Slot
from embedded.held_out import STYLES, held_out_faces, held_out_maps
from embedded.judges.attributes import FaceJudge
from embedded.judges.identity import IdentityJudge
from embedded.judges.segmentation import SegmentationJudge

NOISE = 0.05  # of the measurements, for pictures in [0, 1]
BATCH = 16
GALLERY = 100
# What is asked of each batch in turn, and the judge's attribute and class that it must show.
TEXTS = [
    ("a person with pink hair", "hair_color", "pink"),
    ("a person in a red shirt", "clothes_color", "red"),
    ("a person with blue hair", "hair_color", "blue"),
    ("a person on a navy background", "background", "navy"),
]


def tensor(pictures: np.ndarray) -> Tensor:
    """uint8 `[N, H, W, 3]` → `[N, 3, H, W]` in [0, 1]."""
    return torch.from_numpy(pictures).movedim(-1, 1).float() / 255


@dataclass(frozen=True)
class Task:
    """One task on batches of 16 pictures.

    Attributes:
        wire: `(graph, conditioning, batch number) → guided conditioning`; batch b is about the people from 16·b on.
        judge: `(pictures, batch number) → figures`, an array `[N]` each; the first is the one that the task is about.
        losses: how many losses act.
    """

    wire: Callable[[Graph, Slot, int], Slot]
    judge: Callable[[np.ndarray, int], dict[str, np.ndarray]]


def people(batch: int) -> slice:
    return slice(BATCH * batch, BATCH * (batch + 1))


def faces(graph: Graph, batch: int, count: int = BATCH, first: int = 0) -> str:
    return graph.add("DSG_LoadEmbeddedFaces", first=BATCH * batch + first, count=count, picture="first")


def noisy(graph: Graph, picture: Slot, batch: int) -> str:
    return graph.add("ImageAddNoise", image=picture, seed=1000 + batch, strength=NOISE)


def loss(graph: Graph, kind: str, conditioning: Slot, **inputs: object) -> Slot:
    settings = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
    return [graph.add(kind, conditioning=conditioning, **(settings | inputs)), 0]


# --- wiring -----------------------------------------------------------------------------------------------------------


def segmentation(graph: Graph, conditioning: Slot, batch: int) -> Slot:
    model = graph.add("DSG_LoadSegmentationModel", model_name="faces")
    wanted = {"model": [model, 0], "image": [faces(graph, batch), 0], "classes": "all", "distance": "cross-entropy"}
    return loss(graph, "DSG_SegmentationLoss", conditioning, **wanted)


def face_id(graph: Graph, conditioning: Slot, batch: int) -> Slot:
    model = graph.add("DSG_LoadFaceModel", model_name="faces_irse.onnx")
    wanted = {"model": [model, 0], "image": [faces(graph, batch), 0], "crop": "whole picture", "one_each": True}
    return loss(graph, "DSG_FaceIDLoss", conditioning, **wanted)


def style(graph: Graph, conditioning: Slot, batch: int) -> Slot:
    """Batch b takes the style `STYLES[b % 4]`, from four pictures of four people."""
    clip = graph.add("DSG_LoadCLIP", clip_name="faces", architecture="from the folder")
    places = range(batch % len(STYLES), BATCH, len(STYLES))
    references, *others = [[faces(graph, batch, count=1, first=place), 0] for place in places]
    for other in others:
        references = [graph.add("ImageBatch", image1=references, image2=other), 0]
    wanted = {"clip": [clip, 0], "image": references, "layers": "3", "distance": "log-Gram"}
    return loss(graph, "DSG_StyleLoss", conditioning, **wanted)


def text(graph: Graph, conditioning: Slot, batch: int) -> Slot:
    clip = graph.add("DSG_LoadCLIP", clip_name="faces", architecture="from the folder")
    wanted = {"clip": [clip, 0], "text": TEXTS[batch % len(TEXTS)][0], "negative": "", "cut_outs": 4}
    return loss(graph, "DSG_TextLoss", conditioning, **wanted)


def chained(*wires: Callable[[Graph, Slot, int], Slot]) -> Callable[[Graph, Slot, int], Slot]:
    def wire(graph: Graph, conditioning: Slot, batch: int) -> Slot:
        for each in wires:
            conditioning = each(graph, conditioning, batch)
        return conditioning

    return wire


# --- judges -----------------------------------------------------------------------------------------------------------


def overlap(found: np.ndarray, wanted: np.ndarray) -> float:
    """Mean intersection over union of two maps, over the classes that either has."""
    classes = np.union1d(found, wanted)
    both = [((found == c) & (wanted == c)).sum() / ((found == c) | (wanted == c)).sum() for c in classes]
    return float(np.mean(both))


@torch.no_grad()
def judge_segmentation(pictures: np.ndarray, batch: int) -> dict[str, np.ndarray]:
    found = SegmentationJudge.load()(tensor(pictures)).argmax(1).numpy()
    return {"mean IoU": np.array([overlap(*pair) for pair in zip(found, held_out_maps()[people(batch)])])}


@torch.no_grad()
def judge_face_id(pictures: np.ndarray, batch: int) -> dict[str, np.ndarray]:
    """Whether the nearest of 100 people, each known by another picture, is the right one."""
    judge = IdentityJudge.load()
    first = min(BATCH * batch, len(held_out_faces()) - GALLERY)
    gallery = judge(tensor(held_out_faces(1)[first : first + GALLERY]))
    likeness = judge(tensor(pictures)) @ gallery.T
    right = BATCH * batch - first + torch.arange(len(pictures))
    return {
        "right person": (likeness.argmax(1) == right).float().numpy(),
        "likeness": likeness.gather(1, right[:, None]).flatten().numpy(),
    }


def shows(attribute: str, pictures: np.ndarray, wanted: str) -> np.ndarray:
    return np.array([float(found == wanted) for found in FaceJudge.load().attributes(tensor(pictures))[attribute]])


def judge_style(pictures: np.ndarray, batch: int) -> dict[str, np.ndarray]:
    return {"right style": shows("style", pictures, STYLES[batch % len(STYLES)])}


def judge_text(pictures: np.ndarray, batch: int) -> dict[str, np.ndarray]:
    _, attribute, wanted = TEXTS[batch % len(TEXTS)]
    return {"attribute shown": shows(attribute, pictures, wanted)}


def together(*judges: Callable[[np.ndarray, int], dict[str, np.ndarray]]):
    """The figures of several judges, first the product of their first ones."""

    def judge(pictures: np.ndarray, batch: int) -> dict[str, np.ndarray]:
        each = [one(pictures, batch) for one in judges]
        both = np.prod([next(iter(figures.values())) for figures in each], axis=0)
        return {"both": both} | {name: value for figures in each for name, value in figures.items()}

    return judge


TASKS = {
    "segmentation": Task(segmentation, judge_segmentation),
    "FaceID": Task(face_id, judge_face_id),
    "style": Task(style, judge_style),
    "text": Task(text, judge_text),
    "text and style": Task(chained(text, style), together(judge_text, judge_style)),
    "text and segmentation": Task(chained(text, segmentation), together(judge_segmentation, judge_text)),
    "FaceID and segmentation": Task(chained(face_id, segmentation), together(judge_segmentation, judge_face_id)),
}
