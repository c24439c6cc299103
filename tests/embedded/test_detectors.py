"""The embedded detectors find parts and points on faces that they have never seen, and none where there is none."""

import numpy as np
import pytest
import torch
from torch import Tensor

from embedded.evaluation.detectors import (
    ARCHITECTURE,
    DETECTOR,
    FACE_DETECTOR,
    part_overlaps,
    point_distances,
)
from embedded.face_parts import PARTS, box_of, face_points, part_boxes
from guidance_losses.networks.face_detector import load_face_detector
from guidance_losses.networks.object_detector import load_object_detector


def test_each_part_is_found_in_its_box(faces, maps):
    detector = load_object_detector(DETECTOR, ARCHITECTURE)
    assert tuple(detector.labels.values()) == PARTS
    overlaps = part_overlaps(detector, faces, maps)
    assert set(overlaps) == set(PARTS)
    assert min(np.mean(values) for values in overlaps.values()) > 0.5
    assert np.mean([np.mean(values) for values in overlaps.values()]) > 0.7


def test_the_detector_is_in_training_mode_again_after_it_was_asked_for_boxes(faces, maps):
    detector = load_object_detector(DETECTOR, ARCHITECTURE)
    part_overlaps(detector, faces[:1], maps[:1])
    assert detector.network.training


def test_each_face_is_found_with_its_five_points(faces, maps):
    distances = point_distances(load_face_detector(FACE_DETECTOR), faces, maps)
    assert len(distances) == len(faces)
    assert np.mean(np.isfinite(distances)) > 0.98
    assert np.nanmean(distances) < 2


def test_no_face_is_found_where_there_is_none():
    noise = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    pictures = torch.cat([noise, torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)])
    assert not load_face_detector(FACE_DETECTOR).find(pictures).found.any()


# The boxes and points of a map: two eyes of 2×1 pixels, a mouth of 3×1 pixels below.


def face_map() -> Tensor:
    """8×8: skin, eyes at (1..2, 2) and (5..6, 2), a mouth at (3..5, 5), background elsewhere."""
    drawn = torch.zeros(8, 8, dtype=torch.long)
    drawn[1:7, 1:7] = 1
    drawn[2, 1:3] = drawn[2, 5:7] = 4
    drawn[5, 3:6] = 5
    return drawn


def test_boxes_have_one_pixel_around_the_part_and_stay_on_the_picture():
    boxes = {part: box.tolist() for part, box in part_boxes(face_map()).items()}
    assert boxes == {"face": [0, 0, 8, 8], "eyes": [0, 1, 8, 4], "mouth": [2, 4, 7, 7]}
    assert box_of(torch.ones(4, 6, dtype=torch.bool)).tolist() == [0, 0, 6, 4]


def test_points_are_the_middles_of_the_eyes_and_the_ends_of_the_mouth():
    points = face_points(face_map())
    assert points.tolist() == [[2, 2.5], [6, 2.5], [4.25, 4.0], [3.5, 5.5], [5.5, 5.5]]


def test_behind_sunglasses_the_eyes_are_the_glasses_halves():
    drawn = face_map()
    drawn[drawn == 4] = 6
    assert face_points(drawn).tolist() == face_points(face_map()).tolist()


@pytest.mark.parametrize("gone", [4, 5])
def test_a_map_without_eyes_or_mouth_has_no_points(gone):
    drawn = face_map()
    drawn[drawn == gone] = 1
    assert face_points(drawn) is None
