"""The judge reads faces that it has never seen, and the distance in its features behaves as a distance."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from embedded.evaluation.frechet import Statistics, frechet_distance, reference_statistics, statistics
from embedded.held_out import STYLES, held_out_faces
from embedded.judges.attributes import FEATURES, FaceJudge


@pytest.fixture(scope="module")
def judge() -> FaceJudge:
    return FaceJudge.load()


def test_held_out_faces_are_256_different_pictures() -> None:
    faces = np.concatenate([held_out_faces(0), held_out_faces(1)])
    assert faces.shape == (256, 64, 64, 3)
    assert faces.dtype == np.uint8
    assert len(np.unique(faces.reshape(256, -1), axis=0)) == 256


def test_reads_every_held_out_face_s_style(judge, faces) -> None:
    assert judge.attributes(faces)["style"] == [*STYLES] * 32


def test_attributes_are_class_names_for_every_picture(judge, faces) -> None:
    attributes = judge.attributes(faces[:5])
    assert set(attributes) == set(judge.classes)
    for name, read in attributes.items():
        assert len(read) == 5
        assert set(read) <= set(judge.classes[name])


def test_features_of_a_picture_do_not_depend_on_its_batch(judge, faces) -> None:
    whole = judge.features(faces)
    assert whole.shape == (128, FEATURES)
    torch.testing.assert_close(judge.features(faces[10:11]), whole[10:11], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (3, 64, 64), (1, 64, 64, 3)])
def test_pictures_of_another_shape_are_refused(judge, shape) -> None:
    with pytest.raises(ValueError, match="pictures must be"):
        judge.features(torch.zeros(shape))


def test_pictures_look_different_by_how_much_they_were_changed(judge, faces) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(faces.shape, generator=generator)
    levels = (0, 0.01, 0.05, 0.2)
    distances = [judge.perceptual_distance(faces, (faces + level * noise).clamp(0, 1)) for level in levels]
    assert distances[0].abs().max() == 0
    for less, more in pairwise(distances):
        assert (less < more).all()
    others = judge.perceptual_distance(faces, faces.roll(4, 0))  # another person in the same style
    assert (others > distances[1]).all()
    torch.testing.assert_close(others, judge.perceptual_distance(faces.roll(4, 0), faces))


def test_distance_of_a_set_to_itself_is_zero(judge, faces) -> None:
    features = judge.features(faces)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-8)


def test_distance_of_gaussians_with_known_answers() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(500, 16, generator=generator, dtype=torch.float64)
    mean, covariance = statistics(features)
    assert frechet_distance(features, features + 3) == pytest.approx(16 * 9)
    stretched = mean @ mean + np.trace(covariance)  # twice the mean, four times the covariance: (2 − 1)² of each
    assert frechet_distance(features, 2 * features) == pytest.approx(stretched)
    variances_a, variances_b = np.array([1.0, 4.0, 0.0]), np.array([9.0, 4.0, 1.0])
    a, b = (Statistics(np.zeros(3), np.diag(variances)) for variances in (variances_a, variances_b))
    assert frechet_distance(a, b) == pytest.approx(4 + 0 + 1)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))


def test_distance_grows_with_noise(judge, faces) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(faces.shape, generator=generator)
    clean = judge.features(faces)
    levels = (0, 0.01, 0.02, 0.05, 0.1, 0.2)
    distances = [frechet_distance(judge.features((faces + level * noise).clamp(0, 1)), clean) for level in levels]
    assert distances == sorted(distances)
    assert distances[-1] > 10


def test_reference_belongs_to_these_weights(judge, faces) -> None:
    """64 faces from the reference's own set are as far as the small number alone makes them; one style is farther."""
    features = judge.features(faces)
    near = frechet_distance(features, reference_statistics())
    assert near < 30
    assert frechet_distance(features[0::4], reference_statistics()) > near + 10


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        statistics(torch.zeros(1, 8))
