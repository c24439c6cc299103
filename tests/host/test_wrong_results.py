"""A result that is not what was asked for is worse than an error: the run says so, once, on the node and in its
report."""

import pytest
from graphs import Run


def remarks(host, run: Run) -> list[str]:
    """What the report says, which is also on the node that sampled."""
    _, report = run.outcome(host)
    (sampler,) = [key for key, node in run.graph.nodes.items() if node["class_type"] == "DSG_KSampler"]
    shown = host.texts.get(sampler, [""])[-1].splitlines()
    assert [f"DSG: {sentence}" for sentence in shown] == report["remarks"]
    assert len(set(report["remarks"])) == len(report["remarks"])
    return report["remarks"]


def faulty(run: Run, kind: str, stage: str, step: int) -> None:
    """Put a fault on the way of the model, the VAE and the losses."""
    inputs = {"model": run.model, "vae": run.vae, "positive": run.positive}
    fault = run.graph.add("Test_FaultyRun", **inputs, kind=kind, stage=stage, step=step, freeze=False)
    run.model, run.vae, run.positive = [fault, 0], [fault, 1], [fault, 2]


@pytest.mark.parametrize("gradient", ["exact", "low memory", "finite difference", "none"])
def test_a_good_run_says_nothing(host, gradient):
    run = Run(gradient, steps=6)
    run.guide()
    assert remarks(host, run) == []


@pytest.mark.parametrize(
    ("stage", "step", "words"),
    [
        ("loss", 0, "1 steps had no usable gradient"),
        ("gradient", 1, "1 steps had no usable gradient"),
        ("denoiser", 3, "values that are not finite"),
    ],
)
def test_nan_is_told(host, stage, step, words):
    run = Run("exact", steps=4)
    run.guide()
    faulty(run, "NaN", stage, step)
    assert len([sentence for sentence in remarks(host, run) if words in sentence]) == 1


def test_a_cheaper_way_is_told(host, fresh):
    run = Run("auto", steps=4)
    run.guide()
    faulty(run, "out of memory", "gradient", 1)
    assert remarks(host, run) == ["DSG: memory is short; from here on the gradient is computed in the mode low memory."]


def strange(kind: str):
    """A loss of this kind, applied."""

    def wire(graph, conditioning, batch):
        made = [graph.add("Test_StrangeLoss", kind=kind), 0]
        applied = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
        return [graph.add("DSG_ApplyLoss", conditioning=conditioning, loss=made, **applied), 0]

    return wire


def test_losses_that_never_had_a_gradient_are_told(host):
    run = Run("exact", steps=4)
    run.guide(strange("flat"))
    said = remarks(host, run)
    assert "DSG: no step had a usable gradient (it was zero, or not finite), so this picture is not guided." in said
    assert "DSG: the loss 'flat' did not fall from 1; try another rate, or more steps." in said


def test_a_loss_that_rises_is_told(host):
    run = Run("exact", steps=4)
    run.guide(strange("rising"))
    said = remarks(host, run)
    assert [sentence for sentence in said if sentence.startswith("DSG: the loss 'rising' rose from ")], said


def test_a_wrong_gradient_is_told(host):
    run = Run("exact", steps=4)
    run.guide(strange("backwards"))
    said = remarks(host, run)
    assert [sentence for sentence in said if "contradicts the gradient of the losses (backwards)" in sentence], said
