"""Where the parts of a drawn face are: boxes, five points and a relief, read off its segmentation map.

What networks are trained on, and, read off the segmentation judge's maps, what guidance by them is measured by.
"""

import torch
from torch import Tensor

from embedded.face_data import CLASSES

PARTS = ("face", "hair", "clothes", "eyes", "mouth", "glasses")  # of the boxes; numbered from 1, as detectors do
MARGIN = 1  # pixel around a part: a mouth may be one pixel high

# A drawing is paper cut-outs, laid one over another from the background on.
LAYERS = {"background": 0, "clothes": 1, "skin": 2, "hair": 3, "eyes": 3, "mouth": 3, "glasses": 4}

CLASSES_OF = {part: [CLASSES.index(part)] for part in PARTS if part in CLASSES}
CLASSES_OF["face"] = [CLASSES.index(name) for name in ("skin", "eyes", "mouth", "glasses")]  # with the neck


def part_masks(face_map: Tensor) -> dict[str, Tensor]:
    """The pixels `[H, W]` of each part that a map `[H, W]` has."""
    masks = {part: torch.isin(face_map, face_map.new_tensor(classes)) for part, classes in CLASSES_OF.items()}
    return {part: mask for part, mask in masks.items() if mask.any()}


def box_of(mask: Tensor) -> Tensor:
    """Around the white of `[H, W]`, with the margin: left, top, right, bottom in pixels, `[4]`."""
    height, width = mask.shape
    y, x = mask.nonzero().unbind(1)
    box = torch.stack([x.min() - MARGIN, y.min() - MARGIN, x.max() + 1 + MARGIN, y.max() + 1 + MARGIN])
    return box.clamp(box.new_zeros(4), box.new_tensor([width, height, width, height])).float()


def part_boxes(face_map: Tensor) -> dict[str, Tensor]:
    """Of each part that there is, its one box `[4]`: both eyes with the brows are one part, as are hair and beard."""
    return {part: box_of(mask) for part, mask in part_masks(face_map).items()}


def face_points(face_map: Tensor) -> Tensor | None:
    """Both eyes, nose and both corners of the mouth, `[5, 2]`, x and y in pixels. None without eyes or mouth.

    Behind sunglasses the eyes are where the glasses' halves are. Noses are skin on the maps: the point is halfway
    between the eyes and the mouth.
    """
    masks = part_masks(face_map)
    if "mouth" not in masks or not {"eyes", "glasses"} & masks.keys():
        return None
    eyes = halves(masks.get("eyes", masks.get("glasses", masks["mouth"])))
    mouth = corners(masks["mouth"])
    nose = (eyes.mean(0) + mouth.mean(0)) / 2
    return torch.stack([eyes[0], eyes[1], nose, mouth[0], mouth[1]])


def pixels(mask: Tensor) -> Tensor:
    """The middles of the white ones of `[H, W]`: x and y, `[N, 2]`."""
    return mask.nonzero().flip(1) + 0.5


def halves(mask: Tensor) -> Tensor:
    """The middles of what is white left and right of the middle column, `[2, 2]`."""
    found = pixels(mask)
    left = found[:, 0] <= (found[:, 0].min() + found[:, 0].max()) / 2
    return torch.stack([found[left].mean(0), found[~left].mean(0) if not left.all() else found.mean(0)])


def corners(mask: Tensor) -> Tensor:
    """The middles of the first and the last column in which there is white, `[2, 2]`."""
    found = pixels(mask)
    return torch.stack([found[found[:, 0] == x].mean(0) for x in (found[:, 0].min(), found[:, 0].max())])


def relief(maps: Tensor) -> Tensor:
    """How near each pixel is of maps `[...]` of `CLASSES`: the number of its layer over that of the topmost, in [0, 1].

    Hair counts as lying over the skin: a map does not tell what falls behind the shoulders.
    """
    layers = torch.tensor([LAYERS[name] for name in CLASSES], device=maps.device)
    return layers[maps] / max(LAYERS.values())
