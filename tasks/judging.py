"""How pictures are judged, by networks that guidance never sees: `(pictures, batch) → figures`, an array `[N]` each."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou

from embedded.evaluation.depth import likeness
from embedded.face_parts import face_points, part_boxes, relief
from embedded.held_out import STYLES, held_out_faces, held_out_maps
from embedded.judges.attributes import FaceJudge
from embedded.judges.identity import IdentityJudge
from embedded.judges.segmentation import SegmentationJudge
from guidance_losses import blur, gaussian_kernel, shrink
from guidance_losses.networks.clip import ClipNetwork, load_clip
from tasks.qr_reading import reads, views
from tasks.restoration import psnr
from tasks.wiring import (
    BLUR_SIZE,
    BLUR_STD,
    BRIGHT,
    FACTOR,
    GOLD,
    PLACE,
    TEXTS,
    Batch,
    asked_boxes,
    asked_hair,
    qr_texts,
)
from tools.comfyui import REPOSITORY

Figures = dict[str, np.ndarray]
Judge = Callable[[np.ndarray, Batch], Figures]

GALLERY = 100
NEAR = 0.35  # in the RGB cube
NEAR_POINTS, NO_POINTS = 3, 32  # pixels: on average from where they shall be; what a picture without a face counts as


def tensor(pictures: np.ndarray) -> Tensor:
    """uint8 `[N, H, W, 3]` → `[N, 3, H, W]` in [0, 1]."""
    return torch.from_numpy(pictures).movedim(-1, 1).float() / 255


@cache
def face_judge() -> FaceJudge:
    return FaceJudge.load()


@cache
def segmentation_judge() -> SegmentationJudge:
    return SegmentationJudge.load()


@cache
def identity_judge() -> IdentityJudge:
    return IdentityJudge.load()


def judge_restored(pictures: np.ndarray, batch: Batch) -> Figures:
    truth = held_out_faces()[batch.people]
    distance = face_judge().perceptual_distance(tensor(pictures), tensor(truth))
    return {"PSNR, dB": psnr(pictures, truth), "perceptual distance": distance.numpy()}


def consistent(measure: Callable[[Tensor], Tensor]) -> Judge:
    """How well the pictures agree with the measurement: PSNR of what it sees of them and of the truth."""

    def judge(pictures: np.ndarray, batch: Batch) -> Figures:
        error = measure(tensor(pictures)) - measure(tensor(held_out_faces()[batch.people]))
        return {"consistency, dB": (-10 * error.square().mean((1, 2, 3)).log10()).numpy()}

    return judge


judge_shrunk = consistent(lambda images: shrink(images, FACTOR, "bicubic"))
judge_blurred = consistent(lambda images: blur(images, gaussian_kernel(BLUR_SIZE, BLUR_STD)))


def overlap(found: np.ndarray, wanted: np.ndarray) -> float:
    """Mean intersection over union of two maps, over the classes that either has."""
    classes = np.union1d(found, wanted)
    both = [((found == c) & (wanted == c)).sum() / ((found == c) | (wanted == c)).sum() for c in classes]
    return float(np.mean(both))


@torch.no_grad()
def judged_maps(pictures: np.ndarray) -> Tensor:
    """What each pixel is part of, in the eyes of the segmentation judge: `[N, 64, 64]`."""
    return segmentation_judge()(tensor(pictures)).argmax(1)


def judge_segmentation(pictures: np.ndarray, batch: Batch) -> Figures:
    found = judged_maps(pictures).numpy()
    return {"mean IoU": np.array([overlap(*pair) for pair in zip(found, held_out_maps()[batch.people])])}


@torch.no_grad()
def judge_face_id(pictures: np.ndarray, batch: Batch) -> Figures:
    """Whether the nearest of 100 people, each known by another picture, is the right one."""
    first = min(batch.people.start, len(held_out_faces()) - GALLERY)
    gallery = identity_judge()(tensor(held_out_faces(1)[first : first + GALLERY]))
    likeness = identity_judge()(tensor(pictures)) @ gallery.T
    right = batch.people.start - first + torch.arange(len(pictures))
    return {
        "right person": (likeness.argmax(1) == right).float().numpy(),
        "likeness": likeness.gather(1, right[:, None]).flatten().numpy(),
    }


def shows(attribute: str, pictures: np.ndarray, wanted: str) -> np.ndarray:
    return np.array([float(found == wanted) for found in face_judge().attributes(tensor(pictures))[attribute]])


def judge_style(pictures: np.ndarray, batch: Batch) -> Figures:
    return {"right style": shows("style", pictures, STYLES[batch.number % len(STYLES)])}


def judge_text(pictures: np.ndarray, batch: Batch) -> Figures:
    _, attribute, wanted = TEXTS[batch.number % len(TEXTS)]
    return {"attribute shown": shows(attribute, pictures, wanted)}


@cache
def embedded_clip() -> ClipNetwork:
    return load_clip(REPOSITORY / "embedded" / "weights" / "clip" / "faces")


@torch.no_grad()
def judge_reward(pictures: np.ndarray, batch: Batch) -> Figures:
    """What the judge sees, and what the guide itself does: the reward rises alone where it is pleased by tricks."""
    clip, prompt = embedded_clip(), TEXTS[batch.number % len(TEXTS)][0]
    cosines = clip.encode_images(tensor(pictures)) @ clip.encode_texts([prompt])[0]
    return judge_text(pictures, batch) | {"reward": (100 * cosines).numpy()}


@torch.no_grad()
def judge_similarity(pictures: np.ndarray, batch: Batch) -> Figures:
    """The share of the attributes (hair, clothes, style …) that the judge sees in the reference as well."""
    found, wanted = (face_judge().attributes(tensor(each)) for each in (pictures, held_out_faces()[batch.people]))
    same = [np.equal(found[name], wanted[name]) for name in wanted]
    return {"attributes shared": np.mean(same, axis=0)}


def seam_jumps(pictures: np.ndarray, direction: str) -> tuple[np.ndarray, np.ndarray]:
    """How far neighbouring pixels lie apart across the seam, and inside: mean absolute differences in [0, 1], `[N]`.

    Args:
        direction: "x", from the last column to the first, or "y", from the last row to the first.
    """
    lines = np.moveaxis(pictures / 255, 2 if direction == "x" else 1, 1)
    jumps = np.abs(lines - np.roll(lines, 1, axis=1)).mean(axis=(2, 3))
    return jumps[:, 0], jumps[:, 1:].mean(axis=1)


def judge_tiling(pictures: np.ndarray, batch: Batch) -> Figures:
    """Whether the seams jump no more than the inside, both ways; the worse of the two jumps as a share of that."""
    shares = np.stack([np.divide(*seam_jumps(pictures, direction)) for direction in "xy"]).max(axis=0)
    return {"no seam": (shares <= 1).astype(float), "seam over inside": shares}


def judge_symmetry(pictures: np.ndarray, batch: Batch) -> Figures:
    """Mean absolute difference to the mirror image, in [0, 1]."""
    return {"unlike its mirror image": np.abs(pictures / 255 - pictures[:, :, ::-1] / 255).mean(axis=(1, 2, 3))}


def judge_color(pictures: np.ndarray, batch: Batch) -> Figures:
    """The share of the place's pixels that are near the colour."""
    near = np.linalg.norm(pictures[:, :PLACE] / 255 - np.array(GOLD) / 255, axis=-1) < NEAR
    return {"near the colour": near.mean(axis=(1, 2))}


def judge_brightness(pictures: np.ndarray, batch: Batch) -> Figures:
    """How far the median luminance is from what was asked, in [0, 1]; the loss knows the mean."""
    light = np.median(pictures / 255 @ [0.299, 0.587, 0.114], axis=(1, 2))
    return {"off the brightness": np.abs(light - BRIGHT)}


def judge_objects(pictures: np.ndarray, batch: Batch) -> Figures:
    """Of the boxes of the parts that were asked for: mean intersection over union with those of the judge's map."""
    asked = {part: torch.tensor([box]) for part, box in asked_boxes(batch).items()}
    found = [part_boxes(face_map) for face_map in judged_maps(pictures)]
    overlaps = [
        [float(box_iou(asked[part], one[part][None])) if part in one else 0.0 for part in asked] for one in found
    ]
    return {"IoU of boxes": np.array(overlaps).mean(axis=1)}


def judge_landmarks(pictures: np.ndarray, batch: Batch) -> Figures:
    """Mean distance, in pixels, of five points on the judge's map from those on the map of the reference."""
    wanted = [face_points(torch.from_numpy(face_map)) for face_map in held_out_maps()[batch.people]]
    pairs = zip(map(face_points, judged_maps(pictures)), wanted)
    far = np.array([NO_POINTS if a is None or b is None else float((a - b).norm(dim=-1).mean()) for a, b in pairs])
    return {"points in place": (far < NEAR_POINTS).astype(float), "distance of points, pixels": far}


def judge_class(pictures: np.ndarray, batch: Batch) -> Figures:
    return {"colour of hair": shows("hair_color", pictures, asked_hair(batch))}


def judge_depth(pictures: np.ndarray, batch: Batch) -> Figures:
    """The correlation of the relief of the parts that the judge sees with that of the reference."""
    reliefs = [relief(maps)[:, None] for maps in (judged_maps(pictures), torch.from_numpy(held_out_maps()).long())]
    return {"likeness of reliefs": likeness(reliefs[0], reliefs[1][batch.people]).numpy()}


def judge_qr_code(pictures: np.ndarray, batch: Batch) -> Figures:
    """Whether a reader reads each picture's text, and in which share of several views of it."""
    read = np.array(
        [[reads(view, text) for view in views(picture)] for picture, text in zip(pictures, qr_texts(batch))], float
    )
    return {"code read": read[:, 0], "views read": read.mean(axis=1)}


def together(*judges: Judge) -> Judge:
    """The figures of several judges."""

    def judge(pictures: np.ndarray, batch: Batch) -> Figures:
        return {name: value for one in judges for name, value in one(pictures, batch).items()}

    return judge


def both(*judges: Judge) -> Judge:
    """The figures of several judges, behind the product of their first ones."""

    def judge(pictures: np.ndarray, batch: Batch) -> Figures:
        product = np.prod([next(iter(one(pictures, batch).values())) for one in judges], axis=0)
        return {"both": product} | together(*judges)(pictures, batch)

    return judge
