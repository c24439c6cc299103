"""The judge of segmentation maps finds the parts of faces that it has never seen."""

import pytest
import torch
from torch.testing import assert_close
from torchmetrics.functional.classification import multiclass_jaccard_index

from embedded.judges.segmentation import SegmentationJudge


@pytest.fixture(scope="module")
def judge() -> SegmentationJudge:
    return SegmentationJudge.load()


def test_it_finds_the_parts_of_faces_it_has_never_seen(judge, faces, maps):
    assert judge.labels == ["background", "skin", "hair", "clothes", "eyes", "mouth", "glasses"]
    overlap = multiclass_jaccard_index(judge(faces), maps, len(judge.labels), average=None)
    assert overlap.mean() > 0.9
    assert overlap.min() > 0.8


def test_what_it_says_of_a_picture_does_not_depend_on_its_batch(judge, faces):
    assert_close(judge(faces[10:11]), judge(faces)[10:11], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (3, 64, 64), (1, 64, 64, 3)])
def test_pictures_of_another_shape_are_refused(judge, shape):
    with pytest.raises(ValueError, match="pictures must be"):
        judge(torch.zeros(shape))
