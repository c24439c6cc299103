"""The embedded depth, pose and classifier networks know faces that they have never seen."""

import pytest
import torch

from embedded.evaluation import classifier, depth, pose
from embedded.face_data import CLASSES
from embedded.face_parts import relief
from embedded.held_out import held_out_facts
from guidance_losses.networks.classifier import load_classifier
from guidance_losses.networks.depth import load_depth_network
from guidance_losses.networks.pose import load_pose_network


def test_what_lies_over_other_things_is_near():
    order = ["background", "clothes", "skin", "hair", "glasses"]
    nearness = relief(torch.tensor([[CLASSES.index(name) for name in order]]))
    assert nearness.tolist() == [[0, 0.25, 0.5, 0.75, 1]]


def test_the_likeness_of_reliefs_knows_no_factor_and_no_summand():
    one, other = torch.rand(2, 3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert depth.likeness(2 * one + 3, one) == pytest.approx([1, 1, 1], abs=1e-4)
    assert depth.likeness(-one, one) == pytest.approx([-1, -1, -1], abs=1e-4)
    expected = [torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item() for a, b in zip(one, other)]
    assert depth.likeness(one, other) == pytest.approx(expected, abs=1e-3)


@torch.no_grad()
def test_the_relief_of_a_face_is_seen(faces, maps):
    seen = load_depth_network(depth.WEIGHTS)(faces)
    found = depth.likeness(seen, relief(maps)[:, None])
    assert found.mean() > 0.95
    assert found.min() > 0.7


def test_the_points_of_a_face_are_seen(faces, maps):
    far = pose.point_distances(load_pose_network(pose.WEIGHTS), faces, maps)
    assert far.isfinite().float().mean() > 0.85
    assert far.nanmean() < 2.5


def test_no_point_is_seen_where_there_is_no_face():
    noise = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    pictures = torch.cat([noise, torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)])
    assert not pose.found_points(load_pose_network(pose.WEIGHTS), pictures)[1].any()


@torch.no_grad()
def test_the_colour_of_hair_is_told(faces):
    network = load_classifier(classifier.WEIGHTS)
    wanted = [classifier.hair_class(facts["hair_color"]) for facts in held_out_facts()]
    found = [network.labels[number] for number in network(faces).argmax(1).tolist()]
    assert sum(map(str.__eq__, found, wanted)) > 0.95 * len(wanted)
