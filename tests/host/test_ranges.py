"""When and where losses count: ranges of the run, and what a conditioning says of itself, by the host's own rules."""

import io

import numpy as np
import pytest
from graphs import Run, apart
from PIL import Image

from tasks.wiring import Batch
from tools.graph import Graph, Slot, loss
from tools.server import PromptError

GREY = 0x808080


def known_half(graph: Graph, conditioning: Slot, batch: Batch, **limits: float) -> Slot:
    """All of the picture but random pixels is to be grey."""
    image = [graph.add("EmptyImage", width=64, height=64, batch_size=1, color=GREY), 0]
    mask = [graph.add("DSG_RandomMask", image=image, hidden=0.2, seed=0), 0]
    known = {"image": image, "mask": mask, "threshold": 0.5, "restore_known": False}
    return loss(graph, "DSG_MaskLoss", conditioning, **known, **limits)


def guided_steps(report: dict) -> list[int]:
    return [number for number, step in enumerate(report["steps"]) if step["gradient_norm"]]


@pytest.mark.parametrize("steps", [5, 10, 20])
@pytest.mark.parametrize(("start", "end"), [(0.2, 1.0), (0.4, 0.8), (0.6, 0.6), (0.0, 0.4)])
def test_a_range_that_begins_or_ends_with_a_step_has_that_step(host, steps, start, end):
    """Flow matching with evenly spaced noise levels: step i begins at i / steps of the run."""
    run = Run("none", steps=steps, inputs={"scheduler": "simple"})
    run.guide(lambda *place: known_half(*place, start_percent=start, end_percent=end))
    _, report = run.outcome(host)
    assert guided_steps(report) == list(range(round(start * steps), min(round(end * steps), steps - 2) + 1))


@pytest.mark.parametrize(
    ("steps", "limits"), [(4, {"start_percent": 0.3, "end_percent": 0.45}), (1, {"start_percent": 0.0})]
)
def test_a_run_that_guides_no_step_says_so_on_the_node(host, steps, limits):
    run = Run("none", steps=steps, inputs={"scheduler": "simple"})
    run.guide(lambda *place: known_half(*place, **limits))
    _, report = run.outcome(host)
    assert guided_steps(report) == []
    (remark,) = report["remarks"]
    assert remark.startswith(f"DSG: none of the {steps} steps was guided")
    assert "Widen" in remark
    (shown,) = {text for texts in host.texts.values() for text in texts}
    assert remark == f"DSG: {shown}"


def test_a_run_without_a_loss_says_so_on_the_node_and_where_the_loss_is(host):
    _, report = Run("none").outcome(host)
    assert "carries no loss" in report["remarks"][0]
    run = Run("none")
    run.negative = known_half(run.graph, run.negative, Batch(0, 1))
    _, report = run.outcome(host)
    assert "losses count on the positive conditioning alone" in report["remarks"][0]
    assert [report["remarks"][0].removeprefix("DSG: ")] in host.texts.values()


@pytest.mark.parametrize("custom", [False, True], ids=["KSampler", "SamplerCustom"])
def test_a_conditionings_own_range_holds_for_its_losses(host, custom):
    """Two faces, each for half of the run; in whichever order the loss and the range are applied."""
    run = Run("none", steps=10)
    first = known_half(run.graph, run.positive, Batch(0, 1))
    first = [run.graph.add("ConditioningSetTimestepRange", conditioning=first, start=0.0, end=0.45), 0]
    second = [run.graph.add("ConditioningSetTimestepRange", conditioning=run.positive, start=0.45, end=1.0), 0]
    second = known_half(run.graph, second, Batch(0, 1))
    run.positive = [run.graph.add("ConditioningCombine", conditioning_1=first, conditioning_2=second), 0]
    if custom:
        run.custom = True
        run.outcome(host)
        return
    _, report = run.outcome(host)
    names = [list(step["losses"]) for step in report["steps"]]
    assert names == [["mask"]] * 5 + [["mask 2"]] * 4 + [[]]


def pictures(host, run: Run) -> np.ndarray:
    """`[64, 64, 3]` of the finished picture."""
    decoded = run.graph.add("VAEDecode", samples=[run.sampled(), 0], vae=run.vae)
    shown = run.graph.add("PreviewImage", images=[decoded, 0])
    (entry,) = host.run(run.graph.nodes)[shown]["images"]
    return np.asarray(Image.open(io.BytesIO(host.picture(entry))).convert("RGB")).astype(float)


def halves(picture: np.ndarray) -> list[float]:
    """How far the left and the right half are from grey."""
    return [float(np.abs(half - 0x80).mean()) for half in (picture[:, :26], picture[:, 38:])]


@pytest.mark.parametrize("node", ["ConditioningSetMask", "ConditioningSetArea", "ConditioningSetAreaPercentage"])
def test_a_conditionings_part_of_the_picture_is_that_of_its_losses(host, node):
    """The left half's conditioning carries a loss about the whole picture; another one holds for all of it."""
    found = []
    for guided in (False, True):
        run = Run("exact", steps=10)
        left = known_half(run.graph, run.positive, Batch(0, 1)) if guided else run.positive
        side = [run.graph.add("SolidMask", value=1.0, width=32, height=64), 0]
        empty = [run.graph.add("SolidMask", value=0.0, width=64, height=64), 0]
        placed = {"destination": empty, "source": side, "x": 0, "y": 0, "operation": "add"}
        mask = [run.graph.add("MaskComposite", **placed), 0]
        where = {
            # In the host's pixels, eight for each latent: the model has two.
            "ConditioningSetArea": {"width": 128, "height": 256, "x": 0, "y": 0, "strength": 1.0},
            "ConditioningSetAreaPercentage": {"width": 0.5, "height": 1.0, "x": 0.0, "y": 0.0, "strength": 1.0},
            "ConditioningSetMask": {"mask": mask, "strength": 1.0, "set_cond_area": "default"},
        }[node]
        left = [run.graph.add(node, conditioning=left, **where), 0]
        run.positive = [run.graph.add("ConditioningCombine", conditioning_1=left, conditioning_2=run.positive), 0]
        run.inputs = {"guidance_rate": 0.5}
        found.append(halves(pictures(host, run)))
    (left_before, right_before), (left_after, right_after) = found
    assert left_after < 0.4 * left_before
    assert right_after > 0.6 * right_before


@pytest.mark.parametrize("custom", [False, True], ids=["KSampler", "SamplerCustom"])
@pytest.mark.parametrize("gradient", ["exact", "none"])
def test_a_picture_taken_out_of_a_batch_is_the_one_that_it_was(host, custom, gradient):
    def latent(*number: int) -> list[float]:
        run = Run(gradient, steps=5, size=3, custom=custom)
        for index in number:
            run.through("LatentFromBatch", "latent_image", batch_index=index, length=1)
        run.guide(lambda graph, positive, _: known_half(graph, positive, Batch(0, 1)))
        return run.outcome(host)[0]

    batch = np.split(np.array(latent()), 3)
    for number in (1, 2):
        assert apart(batch[number], latent(number)) < 1e-4
    assert apart(batch[1], batch[2]) > 0.1


@pytest.mark.parametrize(
    ("sigmas", "cause"),
    [
        ("0.2, 0.5, 1.0", "the sigmas rise at step 1"),
        ("1.0, 0.5, 0.7, 0.0", "the sigmas rise at step 2"),
        ("0.0, 0.0", "begin at 0"),
        ("nan, 0.5", "NaN"),
        ("1.0, -0.5", "negative"),
    ],
)
def test_sigmas_that_are_none_are_told(host, sigmas, cause):
    run = Run("none", custom=True)
    run.inputs = {"sigmas": [run.graph.add("Test_Sigmas", values=sigmas), 0]}
    run.guide(known_half)
    with pytest.raises(PromptError, match=cause) as error:
        run.outcome(host)
    assert str(error.value).startswith("DSG: the sigmas")


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("sigmas", ["0.6", "0.6, 0.6"])  # as behind the last step of a schedule that was split
def test_a_run_without_a_step_gives_the_latent_as_it_came(host, sigmas, guided):
    run = Run(custom=True)
    run.inputs = {"sigmas": [run.graph.add("Test_Sigmas", values=sigmas), 0], "add_noise": False}
    if guided:
        run.guide()
    finished, _ = run.outcome(host)
    assert not any(finished)  # an empty latent


@pytest.mark.parametrize("sigmas", ["1.0, 0.6, 0.3, 0.0, 0.0", "1.0, 1.0, 0.6, 0.3, 0.3, 0.0"])
def test_a_noise_level_that_is_given_twice_is_one_step(host, sigmas):
    def latent(values: str) -> list[float]:
        run = Run("exact", custom=True)
        run.inputs = {"sigmas": [run.graph.add("Test_Sigmas", values=values), 0]}
        run.guide(known_half)
        return run.outcome(host)[0]

    assert apart(latent(sigmas), latent("1.0, 0.6, 0.3, 0.0")) == 0


def test_a_latent_is_fitted_to_the_model_as_the_hosts_ksampler_does(host):
    """Newer hosts' empty latents say which scale they are for, and lose that when they are sampled."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    latent = [graph.add("Test_ScaledLatent"), 0]
    common = {"model": [model, 0], "positive": [model, 1], "negative": [model, 2], "latent_image": latent}
    common |= {"seed": 0, "steps": 2, "cfg": 1.0, "scheduler": "normal", "denoise": 1.0}
    theirs = graph.add("KSampler", sampler_name="euler_ancestral", **common)
    ours = graph.add("DSG_KSampler", vae=[model, 3], guidance_rate=0.2, **common)
    shapes = [graph.add("Test_LatentKeys", latent=[run, 0]) for run in (theirs, ours)]
    outputs = host.run(graph.nodes)
    assert outputs[shapes[0]]["text"] == outputs[shapes[1]]["text"]
