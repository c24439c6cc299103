"""Something goes wrong in a guided run, anywhere: it ends as it should, says so, and leaves no trace.

`python -m benchmarks.faults` tries all places, with all losses.
"""

from pathlib import Path

import pytest

from tasks.faults import GRADIENTS, KINDS, STAGES, Fault, FaultyRuns, faults
from tools.hosts import TEMPLATES

SPREAD = 17  # apart in the list of all faults, so that each kind and stage comes in some way to the gradient


def workflow(task: str) -> Path:
    (path,) = [path for path in TEMPLATES if path.stem.lstrip("0123456789 ") == f"{task} (CPU)"]
    return path


def chosen(gradient: str) -> list[Fault]:
    return list(faults(gradient))[3 * GRADIENTS.index(gradient) :: SPREAD]


def test_each_kind_and_stage_is_among_the_chosen():
    found = [fault for gradient in GRADIENTS for fault in chosen(gradient)]
    assert {fault.kind for fault in found} == set(KINDS)
    assert {fault.stage for fault in found} == set(STAGES)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_a_fault_leaves_no_trace(host, gradient):
    runs = FaultyRuns(host, workflow("Mask"), gradient)
    assert {str(fault): runs.wrong(fault) for fault in chosen(gradient)} == {
        str(fault): None for fault in chosen(gradient)
    }


@pytest.mark.parametrize(
    ("task", "gradient", "fault"),
    [
        ("Face", "exact", Fault("interrupt", "loss gradient", 0)),
        ("Text and parts", "low memory", Fault("exception", "loss", 1)),
        ("Style", "auto", Fault("out of memory", "gradient", 1)),
    ],
)
def test_losses_with_networks_leave_no_trace(host, task, gradient, fault):
    assert FaultyRuns(host, workflow(task), gradient).wrong(fault) is None


def test_an_interrupt_while_a_decoder_is_tried_out_is_one(host):
    """The run holds a decoder with checkpoints against one without, and takes errors there for an answer."""
    assert FaultyRuns(host, workflow("Mask"), "low memory").wrong(Fault("interrupt", "decode", 0)) is None
