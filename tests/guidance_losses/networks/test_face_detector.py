"""Face detectors say where faces are: the file's own numbers, decoded. The networks have insightface's layout."""

import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from guidance_losses.networks.face_detector import (
    Candidates,
    FaceDetector,
    anchor_centres,
    decoded,
    letterboxed,
    load_face_detector,
    overlap,
)
from tests.guidance_losses.networks.scrfd import RED_BOX, RED_POINTS, RandomScrfd, RedScrfd, export
from tools.comfyui import REPOSITORY


def picture(height: int, width: int, *places: tuple[int, int, float]) -> Tensor:
    """Black, with red squares of 24 pixels around places (x, y), as bright as the third number says."""
    image = torch.zeros(1, 3, height, width)
    for x, y, bright in places:
        image[0, 0, y - 12 : y + 12, x - 12 : x + 12] = bright
    return image


@pytest.fixture(scope="module")
def red(tmp_path_factory) -> FaceDetector:
    path = export(RedScrfd(), tmp_path_factory.mktemp("red") / "det_10g.onnx")
    detector = load_face_detector(path)
    assert detector.sides == (640, 320)
    return detector


@pytest.mark.parametrize("fixed", [None, 96])
def test_a_file_gives_what_onnxruntime_gives(tmp_path, fixed):
    torch.manual_seed(0)
    path = export(RandomScrfd(), tmp_path / "det.onnx", fixed)
    detector = load_face_detector(path)
    session = onnxruntime.InferenceSession(path)
    for side in (fixed,) if fixed else (64, 96, 320):
        images = torch.rand(2, 3, side, side)
        candidates = detector(images, side)
        for i in range(2):
            outputs = session.run(None, {"in0": ((255 * images[[i]] - 127.5) / 128).numpy()})
            expected = decoded([torch.from_numpy(output) for output in outputs], side)
            for mine, theirs in zip(candidates[1:], expected[1:]):
                assert_close(mine[i], theirs, rtol=1e-4, atol=1e-3)


def test_outputs_are_decoded_as_scores_boxes_and_points_of_their_anchors():
    """Numbers set by hand at one anchor of each stride, in a square of 64: row by row, two anchors at each place."""
    side = 64
    outputs = [torch.zeros(2 * (side // stride) ** 2, width) for width in (1, 4, 10) for stride in (8, 16, 32)]
    for level, (stride, row, column, anchor) in enumerate([(8, 3, 5, 1), (16, 2, 0, 0), (32, 1, 1, 1)]):
        place = 2 * (row * (side // stride) + column) + anchor
        outputs[level][place] = 0.7 + 0.1 * level
        outputs[3 + level][place] = torch.tensor([1.0, 2.0, 3.0, 4.0])
        outputs[6 + level][place] = torch.arange(10.0)
    for mixed in (outputs, outputs[::-1], [output[None] for output in outputs]):
        found = decoded(mixed, side)
        assert len(found.scores) == 2 * (64 + 16 + 4)
        for score, x, y, stride in ((0.7, 40, 24, 8), (0.8, 0, 32, 16), (0.9, 32, 32, 32)):
            (place,) = (found.scores - score).abs().lt(1e-6).nonzero().flatten().tolist()
            assert found.centres[place].tolist() == [x, y]
            assert found.boxes[place].tolist() == [x - stride, y - 2 * stride, x + 3 * stride, y + 4 * stride]
            offsets = stride * torch.arange(10.0).view(5, 2)
            assert_close(found.points[place], torch.tensor([x, y]) + offsets)


def test_anchors_lie_row_by_row_and_twice():
    assert anchor_centres(32, 16).tolist() == [[0, 0]] * 2 + [[16, 0]] * 2 + [[0, 16]] * 2 + [[16, 16]] * 2


@pytest.mark.parametrize("size", [(640, 640), (400, 640), (320, 200), (1280, 960)])
def test_points_are_given_in_the_picture_s_own_pixels(red, size):
    """The red square of the detector's picture is found where it lies on the user's."""
    height, width = size
    scale = 640 / max(size)
    whole = torch.zeros(1, 3, 640, 640)
    whole[0, 0, 188:212, 148:172] = 1  # around (160, 200), an anchor of stride 8
    image = torch.nn.functional.interpolate(
        whole[..., : round(scale * height), : round(scale * width)], size, mode="bilinear", antialias=True
    )
    faces = red.find(image)
    assert faces.found.tolist() == [True]
    middle = torch.tensor([160.0, 200.0])
    assert_close(faces.points[0], (middle + RED_POINTS) / scale, rtol=0, atol=1e-3)
    assert_close(faces.boxes[0], torch.cat([middle - RED_BOX, middle + RED_BOX]) / scale, rtol=0, atol=1e-3)


def test_the_surest_face_is_taken_or_the_one_in_the_box(red):
    image = picture(640, 640, (160, 200, 0.9), (400, 320, 1.0))
    assert red.find(image).points[0, 2].tolist() == [400, 322]
    box = torch.tensor([130.0, 180.0, 190.0, 240.0])
    assert red.find(image, box).points[0, 2].tolist() == [160, 202]
    assert not red.find(image, torch.tensor([500.0, 500.0, 600.0, 600.0])).found


def test_where_there_is_no_face_none_is_found_picture_by_picture(red):
    images = torch.cat([picture(320, 320), picture(320, 320, (160, 160, 1.0)), torch.rand(1, 3, 320, 320)])
    faces = red.find(images)
    assert faces.found.tolist() == [False, True, False]
    assert not faces.points[0].any()
    alone = red.find(images[1:2])
    for together, one in zip(faces, alone):
        assert_close(together[1:2], one)


def test_a_face_too_large_for_the_first_side_is_looked_for_at_the_second():
    """A detector that knows faces of one size only: at 320 pixels, a face is half as large as at 640."""

    class Small(nn.Module):
        def forward(self, image: Tensor) -> tuple[Tensor, ...]:
            outputs = RedScrfd()(image)
            too_large = image[:, 0].gt(0).sum() > 40**2
            return tuple(output * 0 if too_large and output.shape[-1] == 1 else output for output in outputs)

    faces = FaceDetector(Small()).find(picture(320, 320, (160, 160, 1.0)))
    assert faces.found.tolist() == [True]
    assert faces.sides.tolist() == [320]
    assert faces.points[0, 2].tolist() == [160, 162]


def test_the_gradient_of_scores_boxes_and_points_reaches_the_picture(tmp_path):
    torch.manual_seed(0)
    detector = load_face_detector(export(RandomScrfd(), tmp_path / "det.onnx")).double()
    image = torch.rand(1, 3, 48, 40, dtype=torch.float64, requires_grad=True)

    def answers(image: Tensor) -> Tensor:
        _, scores, boxes, points = detector(image, 64)
        return torch.stack([scores.sum(), boxes.square().mean(), points.square().mean()])

    direction = torch.randn(image.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for i in range(3):
        (slope,) = torch.autograd.grad(answers(image)[i], image)
        assert slope.norm() > 0
        difference = answers(image + 1e-6 * direction)[i] - answers(image - 1e-6 * direction)[i]
        assert (slope * direction).sum().item() == pytest.approx(difference.item() / 2e-6, rel=1e-4)
    assert not any(parameter.requires_grad for parameter in detector.parameters())


def test_letterboxing_keeps_the_shape_and_fills_with_black():
    image = torch.ones(1, 3, 50, 100)
    square = letterboxed(image, 64)
    assert square.shape == (1, 3, 64, 64)
    assert_close(square[..., :32, :], torch.ones(1, 3, 32, 64))
    assert not square[..., 32:, :].any()


def test_overlap_is_intersection_over_union():
    boxes = torch.tensor([[0.0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6], [2, 2, 1, 1]])
    assert_close(overlap(boxes, boxes[0]), torch.tensor([1.0, 1 / 7, 0, 0]))


def test_candidates_are_named():
    assert Candidates._fields == ("centres", "scores", "boxes", "points")


def test_a_recognition_network_is_no_detector():
    path = REPOSITORY / "embedded" / "weights" / "face" / "faces_irse.onnx"
    with pytest.raises(ValueError, match=r"faces_irse.onnx cannot be used as a face detector: .* nine outputs"):
        load_face_detector(path)


def test_weights_are_no_detector(tmp_path):
    with pytest.raises(ValueError, match=r"it is no .onnx file"):
        load_face_detector(tmp_path / "model_ir_se50.pth")


def test_another_layout_of_nine_outputs_is_refused(tmp_path):
    class Other(RandomScrfd):
        def forward(self, image: Tensor) -> tuple[Tensor, ...]:
            outputs = super().forward(image)
            return (*outputs[:6], *(torch.cat([points, points], 1) for points in outputs[6:]))

    with pytest.raises(ValueError, match="its outputs are not scores, boxes and five points"):
        load_face_detector(export(Other(), tmp_path / "other.onnx"))


def test_pictures_of_another_form_are_refused(tmp_path):
    with pytest.raises(ValueError, match="it looks at pictures of 72×72 pixels"):
        load_face_detector(export(RandomScrfd(), tmp_path / "odd.onnx", 72))


def test_a_damaged_file_is_refused(tmp_path):
    whole = export(RandomScrfd(), tmp_path / "whole.onnx").read_bytes()
    (tmp_path / "half.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"half.onnx cannot be used as a face detector: it is damaged"):
        load_face_detector(tmp_path / "half.onnx")


def test_names_in_a_file_run_no_code(tmp_path):
    path = export(RandomScrfd(), tmp_path / "det.onnx")
    model = onnx.load(path)
    model.graph.node[1].name = f'"), open("{tmp_path}/ran", "w"), ("'
    onnx.save(model, path)
    load_face_detector(path)
    assert not (tmp_path / "ran").exists()
