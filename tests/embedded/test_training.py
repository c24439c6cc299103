"""The training loop stops, resumes and leaves averaged weights; the data is read as it was drawn."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from embedded.face_data import FaceData
from embedded.training.loop import Run, learning_rate, train, update_average

TARGET = 3.0


class Learner:
    """Fits one number, and counts the batches that it was asked for."""

    def __init__(self):
        self.network = nn.Linear(1, 1, bias=False)
        self.batches = 0

    def loss(self, size: int, generator: torch.Generator) -> Tensor:
        self.batches += 1
        x = torch.rand(size, 1, generator=generator)
        return (self.network(x) - TARGET * x).square().mean()


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path, minutes=0.01, batch_size=4, peak=0.1, seed=0)


def test_it_learns_in_the_time_given(run):
    learner = Learner()
    before = abs(learner.network.weight.item() - TARGET)
    samples = train(learner.network, learner.loss, run)
    assert samples == 4 * learner.batches > 0
    assert abs(learner.network.weight.item() - TARGET) < before  # by how much, the machine decides
    assert not learner.network.training


def test_the_same_command_has_nothing_left_to_do_and_more_minutes_go_on(run):
    first = Learner()
    samples = train(first.network, first.loss, run)
    again = Learner()
    assert train(again.network, again.loss, run) == samples
    assert again.batches == 0
    assert torch.equal(again.network.weight, first.network.weight)
    more = Learner()
    assert train(more.network, more.loss, replace(run, minutes=0.02)) == samples + 4 * more.batches > samples


def test_the_average_follows_the_weights_and_takes_counts_as_they_are():
    average = {"weight": torch.zeros(2), "count": torch.tensor(1)}
    update_average(average, {"weight": torch.ones(2), "count": torch.tensor(5)}, decay=0.75)
    assert torch.equal(average["weight"], torch.full([2], 0.25))
    assert average["count"] == 5


def test_the_learning_rate_rises_and_falls_to_nothing():
    assert learning_rate(0, 0, 1.0) < learning_rate(0, 100, 1.0) < learning_rate(0, 200, 1.0) == 1.0
    assert learning_rate(1, 1000, 1.0) == pytest.approx(0)


def test_a_split_is_read_as_it_was_drawn(tmp_path: Path):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    maps = generator.integers(0, 7, (5, 64, 64), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "maps.npy", maps)
    lines = [json.dumps({"person_index": number // 2}) for number in range(5)]
    (tmp_path / "faces.jsonl").write_text("\n".join(lines) + "\n")
    data = FaceData(tmp_path)
    assert len(data) == 5
    assert torch.equal(data.images(torch.tensor([3])) * 255, torch.from_numpy(images[3:4]).permute(0, 3, 1, 2).float())
    assert torch.equal(data.maps(slice(1, 3)), torch.from_numpy(maps[1:3]).long())
    assert data.people().tolist() == [0, 0, 1, 1, 2]
