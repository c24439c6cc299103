"""The rate that tunes itself: on the sphere, as far as the loss needs, and no further."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from sampling import (
    DSG,
    Automatic,
    GuidanceMethod,
    GuidanceRate,
    GuidedSteps,
    LossTerm,
    SeededNoise,
    Unconstrained,
    sample,
)
from sampling.automatic_rate import FURTHEST, automatic_step
from sampling.estimate import estimate_gradient

SIGMAS = torch.tensor([10.0, 6.0, 3.0, 1.0, 0.3, 0.0])
START = 10 * torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def norms(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1)


def random_step(seed: int, std: float, needed: float) -> dict:
    generator = torch.Generator().manual_seed(seed)
    mean, noise, gradient = torch.randn(3, 2, 3, 4, 5, generator=generator, dtype=torch.float64)
    return {
        "posterior_mean": mean,
        "posterior_std": std,
        "noise": noise,
        "gradient": gradient,
        "needed": torch.full([2], needed, dtype=torch.float64),
    }


steps = st.builds(random_step, st.integers(0, 2**32), st.floats(0.1, 10), st.floats(0, 200))


@given(steps)
def test_every_sample_ends_on_its_sphere_and_as_far_down_as_needed(step):
    x, share = automatic_step(**step)
    moved, r = x - step["posterior_mean"], math.sqrt(60) * step["posterior_std"]
    downhill = -step["gradient"] / norms(step["gradient"]).view(2, 1, 1, 1)
    taken = step["needed"].clamp(max=r)
    assert_close(norms(moved), torch.full([2], r, dtype=torch.float64))
    assert_close((moved * downhill).flatten(1).sum(1), taken, rtol=1e-9, atol=1e-9)
    assert_close(share, taken / r)


@given(steps)
def test_the_rest_is_the_steps_own_noise(step):
    """What is not along the gradient points where the noise does, apart from its part along the gradient."""
    step["needed"] = step["needed"].clamp(max=math.sqrt(60) * step["posterior_std"] * 0.9)
    x, _ = automatic_step(**step)
    downhill = -step["gradient"] / norms(step["gradient"]).view(2, 1, 1, 1)

    def across(direction: Tensor) -> Tensor:
        return direction - (direction * downhill).flatten(1).sum(1).view(2, 1, 1, 1) * downhill

    cosine = torch.cosine_similarity(across(x - step["posterior_mean"]).flatten(1), across(step["noise"]).flatten(1))
    assert_close(cosine, torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_a_sample_without_a_usable_gradient_is_unguided_alone(bad):
    step = random_step(0, 0.7, 2.0)
    expected, _ = automatic_step(**step)
    expected[1] = (step["posterior_mean"] + 0.7 * step["noise"])[1]
    step["gradient"][1] = bad
    x, share = automatic_step(**step)
    assert torch.equal(x, expected)
    assert share[0] > 0
    assert share[1] == 0


def test_in_a_region_the_step_is_that_of_the_free_elements_alone():
    step = random_step(0, 0.7, 2.0)
    region = torch.rand(1, 1, 4, 5, generator=torch.Generator().manual_seed(1)) < 0.5
    x, _ = automatic_step(**step, region=region)
    free = region.expand(2, 3, 4, 5)
    unguided = step["posterior_mean"] + 0.7 * step["noise"]
    assert torch.equal(x[~free], unguided[~free])
    alone = {
        name: value[free].view(2, 1, 1, -1) if isinstance(value, Tensor) and value.ndim == 4 else value
        for name, value in step.items()
    }
    assert_close(x[free], automatic_step(**alone)[0].flatten())


def distance(images: Tensor) -> Tensor:
    return norms(images - 0.5)


def automatic(share: float) -> GuidanceMethod:
    return replace(DSG, constraint=Automatic(GuidanceRate(share)))


def run(denoiser, guide, *losses: LossTerm, share: float = 1.0):
    return sample(denoiser, START, SIGMAS, SeededNoise(0), guide(*losses, method=automatic(share)))


def test_a_loss_below_its_floor_moves_nothing_and_is_not_called_skipped(denoiser, guide):
    plain, _ = sample(denoiser, START, SIGMAS, SeededNoise(0))
    x, report = run(denoiser, guide, LossTerm("low", distance, floor=1e6))
    assert torch.equal(x, plain)
    assert report.skipped == 0
    assert [step.guidance_rate for step in report.steps] == [0, 0, 0, 0, None]


def test_samples_are_moved_or_not_by_their_own_floor(denoiser, guide):
    plain, _ = sample(denoiser, START, SIGMAS, SeededNoise(0))
    guided, _ = run(denoiser, guide, LossTerm("both", distance))
    x, _ = run(denoiser, guide, LossTerm("one", distance, floor=torch.tensor([0.0, 1e6])))
    assert torch.equal(x[0], guided[0])
    assert torch.equal(x[1], plain[1])
    assert not torch.equal(x[0], plain[0])


def test_a_vanished_gradient_is_called_skipped(denoiser, guide):
    _, report = run(denoiser, guide, LossTerm("stuck", lambda images: images.flatten(1).sum(1) * 0 + 3))
    assert report.skipped == 2 * 4


def test_a_step_goes_its_share_of_the_way_to_where_the_linearised_loss_is_at_its_floor(guide):
    """A distance falls by as much as is gone along its gradient, which has length 1."""
    floor = 2.0

    def ahead(x: Tensor, sigma: Tensor) -> Tensor:
        return x

    start = START[:1] * 5
    for share in (0.5, 1.0):
        x = start
        guidance = guide(LossTerm("distance", distance, floor=floor), method=automatic(share))
        _, report = sample(ahead, x, torch.tensor([10.0, 9.999]), SeededNoise(0), guidance)
        excess = float(distance(x)) - floor
        r = math.sqrt(75) * 9.999 * math.sqrt(1 - 0.9999**2)
        assert report.steps[0].guidance_rate == pytest.approx(min(share * excess / r, FURTHEST), rel=1e-6)


def test_the_share_falls_with_the_loss_and_rises_with_the_rate(denoiser, guide):
    shares = {}
    for share in (0.1, 1.0):
        _, report = run(denoiser, guide, LossTerm("distance", distance), share=share)
        shares[share] = report.steps[1].guidance_rate
    assert 0 < shares[0.1] < shares[1.0] <= FURTHEST


@pytest.mark.parametrize("exponent", [-20, 20])
def test_the_losses_scale_does_not_matter(denoiser, guide, exponent):
    x, _ = run(denoiser, guide, LossTerm("distance", distance, weight=2.0**exponent), share=0.3)
    assert torch.equal(x, run(denoiser, guide, LossTerm("distance", distance), share=0.3)[0])


def test_interval_and_range_count_as_for_other_rates(denoiser, guide):
    guidance = guide(distance, method=automatic(0.3), when=GuidedSteps(interval=2, start_percent=0.5))
    _, report = sample(denoiser, START, SIGMAS, SeededNoise(0), guidance)
    assert [bool(step.losses) for step in report.steps] == [False, False, True, False, False]


@pytest.mark.parametrize("method", [DSG, replace(DSG.with_strength(0.05), constraint=Unconstrained())])
def test_a_floor_counts_for_the_automatic_rate_alone(denoiser, guide, method):
    runs = [
        sample(denoiser, START, SIGMAS, SeededNoise(0), guide(LossTerm("d", distance, floor=floor), method=method))[0]
        for floor in (None, 1e6)
    ]
    assert torch.equal(*runs)


@pytest.mark.parametrize("balanced", [False, True])
def test_the_excess_of_several_losses_is_in_the_units_of_their_gradient(balanced):
    """Both are Σ c_i·(…) with the same c_i: of two linear losses the excess is v·x̂_0 and what their floors leave."""
    generator = torch.Generator().manual_seed(0)
    x, first, second = torch.randn(3, 2, 3, 2, 2, generator=generator, dtype=torch.float64)
    values = [(direction * x).flatten(1).sum(1) for direction in (first, second)]
    terms = [
        LossTerm("first", lambda images: (first * images).flatten(1).sum(1), 2.0, floor=values[0] - 3),
        LossTerm("second", lambda images: (100 * second * images).flatten(1).sum(1), 0.5, floor=100 * values[1] - 7),
    ]
    found = estimate_gradient(x, terms, lambda latent: latent, balanced)
    factors = [(found.v * direction).flatten(1).sum(1) for direction in (first, second)]
    gram = torch.stack(
        [torch.stack([(a * b).flatten(1).sum(1) for b in (first, second)]) for a in (first, second)]
    ).permute(2, 0, 1)
    shares = torch.linalg.solve(gram, torch.stack(factors, 1))  # v = shares[0]·first + shares[1]·second
    assert_close(found.excess, shares[:, 0] * 3 + shares[:, 1] / 100 * 7)


def test_a_loss_at_its_floor_leaves_the_direction_to_the_others():
    x = torch.randn(2, 3, 2, 2, dtype=torch.float64)
    wants, done = LossTerm("wants", distance, floor=0.0), LossTerm("done", lambda images: norms(images), floor=1e6)
    both = estimate_gradient(x, [wants, done], lambda latent: latent, balanced=True)
    alone = estimate_gradient(x, [wants], lambda latent: latent, balanced=True)
    assert_close(both.v, alone.v)
    assert_close(both.excess, alone.excess)
