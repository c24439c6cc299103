"""The same prompt gives the same picture: in another process, after other prompts, with other threads, in a batch.

Bits are promised on one machine with the same number of threads. Another number of threads, and another batch, add up
in another order; what that makes of a finished latent is held to a tolerance.
"""

import shutil
from pathlib import Path

import pytest
import torch
from graphs import Run, apart

from tasks.wiring import inpainting, text
from tools.server import Client, prepare_base, running_host

NEARLY = 5e-4  # of finished latents in about [−1, 1]: less than a tenth of a level of 255
WIRES = {"inpainting": inpainting, "text": text}
GRADIENTS = ["exact", "low memory", "finite difference"]


def latents(host: Client) -> dict[str, list[float]]:
    """Of each loss and way to the gradient."""
    found = {}
    for name, wire in WIRES.items():
        for gradient in GRADIENTS if name == "inpainting" else ["exact"]:
            run = Run(gradient, steps=4)
            run.guide(wire)
            found[f"{name}, {gradient}"] = run.outcome(host)[0]
    return found


@pytest.fixture(scope="module")
def expected(host) -> dict[str, list[float]]:
    return latents(host)


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Another host, with so many threads."""

    def start(threads: int):
        prepare_base(tmp_path)
        shutil.copy(Path(__file__).parent / "odd_inputs.py", tmp_path / "custom_nodes")
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        return running_host(tmp_path)

    return start


def test_a_host_that_is_started_anew_gives_the_same_bits(started, expected):
    with started(torch.get_num_threads()) as host:
        assert latents(host) == expected


def test_another_number_of_threads_gives_nearly_the_same_picture(started, expected):
    with started(1 if torch.get_num_threads() > 1 else 2) as host:
        found = latents(host)
    for name, latent in expected.items():
        assert apart(found[name], latent) < NEARLY, name


def test_a_prompt_after_others_gives_the_same_bits(host, expected):
    """They came in this order and now come in the other, each with another one before it."""
    for name in reversed(WIRES):
        run = Run("exact", steps=4)
        run.guide(WIRES[name])
        assert run.outcome(host)[0] == expected[f"{name}, exact"]


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_a_picture_of_a_batch_is_nearly_the_one_without_the_others(host, gradient):
    """Each sample's noise follows its number in the batch, and nothing else of the batch counts."""
    pictures = []
    for size in (1, 3):
        run = Run(gradient, steps=4, size=size)
        run.guide()
        pictures.append(run.outcome(host)[0])
    alone, batch = pictures
    assert apart(alone, batch[: len(alone)]) < NEARLY
