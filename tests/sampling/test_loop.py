"""The loop: which steps are guided, what it calls, what it reports, and that samples do not see each other."""

import gc
import math
import weakref
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from sampling import (
    DPS,
    DSG,
    GRADIENT_MODES,
    METHODS,
    Automatic,
    Denoisers,
    GuidanceRate,
    GuidedSteps,
    LossTerm,
    SeededNoise,
    Spherical,
    Unconstrained,
    sample,
)

SIGMAS = torch.tensor([10.0, 6.0, 3.0, 1.0, 0.3, 0.0])
FLOW_SIGMAS = torch.tensor([1.0, 0.8, 0.6, 0.3, 0.1, 0.0])
SMALL_DPS = replace(DPS, rho=0.05)


def start(batch: int = 3, sigma: float = 10.0, shape: tuple[int, ...] = (3, 5, 5)) -> Tensor:
    return sigma * torch.randn(batch, *shape, generator=torch.Generator().manual_seed(1))


def distance_to_half(images: Tensor) -> Tensor:
    return torch.stack([(image - 0.5).norm() for image in images])


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize(
    ("name", "constraint"),
    [
        (name, constraint)
        for name, method in METHODS.items()
        for constraint in (Unconstrained(), Spherical(GuidanceRate(0.3)), Automatic(GuidanceRate(0.3)))
        if not (method.eta == 0 and constraint.needs_noise)
    ],
)
@pytest.mark.parametrize(("shape", "with_region"), [((3, 5, 5), False), ((3, 5, 5), True), ((3, 2, 4, 5), False)])
def test_a_batch_equals_runs_of_one_bit_for_bit(denoiser, guide, flow, name, constraint, shape, with_region):
    method = replace(METHODS[name].with_strength(0.05), constraint=constraint)
    sigmas = FLOW_SIGMAS if flow else SIGMAS
    x = start(3, float(sigmas[0]), shape)
    noises = SeededNoise(0)
    region = torch.rand(x.shape, generator=torch.Generator().manual_seed(2)) < 0.5 if with_region else None
    norm = LossTerm("norm", distance_to_half, values=float(x[0].numel()))  # for methods that want a measurement
    guidance = guide(norm, method=method, top=float(sigmas[0]))

    def run(part: slice) -> Tensor:
        result, report = sample(
            denoiser,
            x[part],
            sigmas,
            lambda _, *place: noises(x, *place)[part],
            guidance,
            flow=flow,
            region=None if region is None else region[part],
        )
        assert report.guided_steps >= 4
        return result

    together = run(slice(0, 3))
    assert together.isfinite().all()
    assert torch.equal(together, torch.cat([run(slice(index, index + 1)) for index in range(3)]))


@pytest.mark.parametrize("exponent", [-20, 20])
def test_the_losses_scale_does_not_matter_with_the_constraint(denoiser, guide, exponent):
    def run(weight: float, method) -> Tensor:
        term = LossTerm("loss", distance_to_half, weight)
        return sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(term, method=method))[0]

    assert torch.equal(run(2.0**exponent, DSG), run(1.0, DSG))
    assert not torch.equal(run(2.0**exponent, DPS), run(1.0, DPS))


@pytest.mark.parametrize("method", [DSG, SMALL_DPS])
@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_samples_without_a_usable_gradient_take_unguided_steps_and_are_counted(denoiser, guide, method, bad):
    """The loss is linear with one factor per sample, which is the gradient's scale too."""

    def run(*factors: float):
        guidance = guide(lambda images: images.flatten(1).sum(1) * torch.tensor(factors), method=method)
        return sample(denoiser, start(), SIGMAS, SeededNoise(0), guidance)

    plain, _ = sample(denoiser, start(), SIGMAS, SeededNoise(0))
    good, good_report = run(1.0, 1.0, 1.0)
    mixed, report = run(1.0, bad, 1.0)
    assert torch.equal(mixed[1], plain[1])
    assert torch.equal(mixed[[0, 2]], good[[0, 2]])
    assert not torch.equal(good[1], plain[1])
    guided = 4 if method.constraint.needs_noise else 5
    assert good_report.skipped == 0
    assert report.skipped == guided
    assert [step.skipped for step in report.steps] == [1] * guided + [0] * (5 - guided)


def test_the_constraint_leaves_the_last_step_alone_and_the_gradient_step_does_not(denoiser, guide):
    for method, guided in ((DSG, [True] * 4 + [False]), (SMALL_DPS, [True] * 5)):
        _, report = sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(distance_to_half, method=method))
        assert [bool(step.losses) for step in report.steps] == guided
        assert report.guided_steps == sum(guided)


def test_the_result_is_at_the_last_noise_level(denoiser):
    denoised = []
    x, _ = sample(denoiser, start(), SIGMAS, SeededNoise(0), callback=lambda event: denoised.append(event["denoised"]))
    assert torch.equal(x, denoised[-1])
    assert len(denoised) == 5


def test_without_steps_the_latent_comes_back(denoiser, guide):
    x, report = sample(denoiser, start(), SIGMAS[:1], SeededNoise(0), guide(distance_to_half))
    assert torch.equal(x, start())
    assert report.steps == []


def test_eta_0_draws_no_noise_and_leaves_the_constraint_no_sphere(denoiser, guide):
    def no_noise(like: Tensor, sigma: float) -> Tensor:
        raise AssertionError("noise was drawn")

    x, report = sample(denoiser, start(), SIGMAS, no_noise, guide(distance_to_half), eta=0.0)
    plain, _ = sample(denoiser, start(), SIGMAS, no_noise, eta=0.0)
    assert report.guided_steps == 0
    assert torch.equal(x, plain)


def test_a_methods_own_eta_comes_before_the_runs(denoiser, guide):
    still = guide(distance_to_half, method=replace(SMALL_DPS, eta=0.0))
    x, _ = sample(denoiser, start(), SIGMAS, SeededNoise(0), still, eta=1.0)
    expected, _ = sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(distance_to_half, method=SMALL_DPS), eta=0.0)
    assert torch.equal(x, expected)


@pytest.mark.parametrize(("interval", "measured"), [(1, 1), (2, 2), (10, 0)])
def test_costs_are_measured_in_one_step_the_second_that_computes_the_losses(denoiser, guide, interval, measured):
    guidance = guide(distance_to_half, when=GuidedSteps(interval))
    _, report = sample(denoiser, start(), SIGMAS, SeededNoise(0), guidance)
    assert [bool(step.costs) for step in report.steps] == [index == measured for index in range(5)]
    assert report.costs["loss 0"].seconds > 0


def test_without_a_loss_that_counts_it_samples_as_the_model_does(denoiser, guide):
    plain, plain_report = sample(denoiser, start(), SIGMAS, SeededNoise(0))
    no_loss, _ = sample(denoiser, start(), SIGMAS, SeededNoise(0), guide())
    late = GuidedSteps(start_percent=2.0, end_percent=3.0)
    out_of_range, report = sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(distance_to_half, when=late))
    assert torch.equal(no_loss, plain)
    assert torch.equal(out_of_range, plain)
    assert (plain_report.method, plain_report.guided_steps) == ("unguided", 0)
    assert (report.method, report.guided_steps) == ("DSG", 0)


def test_interval_and_ranges_choose_the_guided_steps_and_the_losses_that_count(denoiser, guide):
    """The steps begin at 0, 40, 70, 90 and 97 % of the run; with an interval of 2 only 0, 70 and 97 % are guided."""
    early = LossTerm("early", distance_to_half, end_percent=0.5)
    late = LossTerm("late", lambda images: images.flatten(1).norm(dim=1), start_percent=0.3)

    def counted(**when) -> list[list[str]]:
        guidance = guide(early, late, when=GuidedSteps(**when))
        _, report = sample(denoiser, start(), SIGMAS, SeededNoise(0), guidance)
        return [list(step.losses) for step in report.steps]

    assert counted() == [["early"], ["early", "late"], ["late"], ["late"], []]
    assert counted(interval=2) == [["early"], [], ["late"], [], []]
    assert counted(start_percent=0.4, end_percent=0.8) == [
        [],
        ["early", "late"],
        ["late"],
        [],
        [],
    ]


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.eta is None])
def test_in_between_the_last_gradient_goes_on(denoiser, guide, name):
    """A loss with the same gradient everywhere guides alike, whether it is computed in every step or in every third."""
    method = replace(METHODS[name].with_strength(0.05), constraint=Spherical())
    slope = torch.randn(3, 5, 5, generator=torch.Generator().manual_seed(3))

    def linear(images: Tensor) -> Tensor:
        return (images * slope).flatten(1).sum(1) + 1000  # a norm is positive

    def run(**changes) -> tuple[Tensor, list[bool], list[bool]]:
        guidance = guide(linear, method=method, when=GuidedSteps(**changes))
        x, report = sample(denoiser, start(), SIGMAS, SeededNoise(0), guidance)
        return x, [bool(step.losses) for step in report.steps], [bool(step.gradient_norm) for step in report.steps]

    every, measured, guided = run()
    assert measured == guided == [True, True, True, True, False]
    reused, measured, guided = run(interval=3, reuse=True)
    assert (measured, guided) == ([True, False, False, True, False], [True, True, True, True, False])
    assert_close(reused, every)
    skipped, measured, guided = run(interval=3)
    assert measured == guided == [True, False, False, True, False]
    assert not torch.equal(skipped, every)


def test_a_gradient_of_other_losses_is_not_reused(denoiser, guide):
    early = LossTerm("early", distance_to_half, end_percent=0.5)
    late = LossTerm("late", lambda images: images.flatten(1).norm(dim=1), start_percent=0.3)
    when = GuidedSteps(interval=10, reuse=True)
    _, report = sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(early, late, when=when))
    assert [list(step.losses) for step in report.steps] == [["early"], ["early", "late"], ["late"], [], []]
    assert report.guided_steps == 4


def test_the_rate_of_each_step_is_used_and_reported(denoiser, guide):
    """A rate of 0 early and 1 late is not a constant one."""
    rate = GuidanceRate(0.0, 1.0)
    x, report = sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(distance_to_half, rate=rate))
    constant, _ = sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(distance_to_half, rate=0.5))
    assert [step.guidance_rate for step in report.steps] == pytest.approx([0, 0.4, 0.7, 0.9, None])
    assert not torch.equal(x, constant)


def test_the_gradient_comes_from_the_differentiable_denoiser_and_the_rest_from_the_plain_one(denoiser, guide):
    calls = []

    def counting(name: str):
        def counted(x: Tensor, sigma: Tensor) -> Tensor:
            assert sigma.shape == (len(x),)
            calls.append((name, torch.is_grad_enabled()))
            return denoiser(x, sigma)

        return counted

    guidance = guide(distance_to_half, when=GuidedSteps(interval=2))
    sample(Denoisers(counting("plain"), counting("guided")), start(), SIGMAS, SeededNoise(0), guidance)
    check = ("guided", False)  # of the first gradient, against another pass
    assert calls == [("guided", True), check, ("plain", False), ("guided", True), ("plain", False), ("plain", False)]


def test_the_callback_sees_each_step(denoiser, guide):
    events = []
    sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(distance_to_half), callback=events.append)
    assert [event["i"] for event in events] == [0, 1, 2, 3, 4]
    assert [event["sigma"] for event in events] == pytest.approx(SIGMAS[:-1].tolist())
    assert torch.equal(events[0]["x"], start())
    for event in events:
        expected = denoiser(event["x"], event["x"].new_full([3], event["sigma"]))
        assert torch.equal(event["denoised"], expected)
        assert not event["denoised"].requires_grad


def test_the_report_has_losses_and_gradients_per_sample(denoiser, guide):
    xs = []
    loss = LossTerm("half", distance_to_half, weight=7.0)
    _, report = sample(denoiser, start(), SIGMAS, SeededNoise(0), guide(loss), callback=xs.append)
    for event, step in zip(xs[:-1], report.steps):
        assert step.sigma == event["sigma"]
        assert step.losses["half"] == pytest.approx(distance_to_half(event["denoised"]).tolist())
        assert len(step.gradient_norm) == 3
        assert min(step.gradient_norm) > 0
    assert report.to_dict()["guided_steps"] == 4
    assert report.to_dict()["steps"][0]["losses"] == report.steps[0].losses


def separable(x: Tensor, sigma: Tensor) -> Tensor:
    """A denoiser without neighbours, so that what happens in the region stays there."""
    return torch.tanh(x) / (1 + sigma.view(-1, 1, 1, 1))


HALF = (torch.arange(5) < 2).view(1, 1, 1, 5)


def test_outside_the_region_the_whole_run_is_the_unguided_one(guide):
    plain, _ = sample(separable, start(), SIGMAS, SeededNoise(0))
    x, _ = sample(separable, start(), SIGMAS, SeededNoise(0), guide(distance_to_half, rate=0.8), region=HALF)
    assert torch.equal(x[..., 2:], plain[..., 2:])
    assert (distance_to_half(x[..., :2]) < distance_to_half(plain[..., :2])).all()


def test_gradient_steps_too_stay_in_the_region(guide):
    plain, _ = sample(separable, start(), SIGMAS, SeededNoise(0))
    x, _ = sample(separable, start(), SIGMAS, SeededNoise(0), guide(distance_to_half, method=SMALL_DPS), region=HALF)
    assert torch.equal(x[..., 2:], plain[..., 2:])
    assert not torch.equal(x[..., :2], plain[..., :2])


@pytest.mark.parametrize(("where", "skipped"), [("outside", 4), ("inside", 0)])
def test_only_gradients_in_the_region_make_a_step_guided(guide, where, skipped):
    """A gradient that is not zero outside alone leaves the sample unguided, and that is what is counted."""
    counts = HALF if where == "inside" else ~HALF
    guidance = guide(lambda images: (images * counts).flatten(1).norm(dim=1))
    plain, _ = sample(separable, start(1), SIGMAS, SeededNoise(0))
    x, report = sample(separable, start(1), SIGMAS, SeededNoise(0), guidance, region=HALF)
    assert torch.equal(x, plain) == (where == "outside")
    assert report.skipped == skipped


@pytest.mark.parametrize("mode", GRADIENT_MODES)
def test_a_run_leaves_nothing_that_waits_for_the_garbage_collector(denoiser, guide, mode):
    """A model is freed when its run is over, and not some runs later."""

    class Model:
        def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
            return denoiser(x, sigma)

    model = Model()
    freed = weakref.ref(model)
    gc.collect()
    gc.disable()
    try:
        guidance = guide(distance_to_half, method=replace(DSG, gradient_mode=mode))
        sample(model, start(), SIGMAS, SeededNoise(0), guidance)
        del model
        assert freed() is None
    finally:
        gc.enable()
