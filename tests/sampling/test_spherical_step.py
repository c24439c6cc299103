"""What the formula of DSG's step promises, on random shapes, scales and rates."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from sampling import spherical_step

BAD = {"zero": 0.0, "nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def random_step(shape: tuple[int, ...], std: float, rate: float, dtype: torch.dtype, seed: int = 0) -> dict:
    generator = torch.Generator().manual_seed(seed)
    mean, noise, gradient = torch.randn(3, *shape, generator=generator, dtype=torch.float64).to(dtype)
    return {
        "posterior_mean": mean,
        "posterior_std": std,
        "noise": noise,
        "gradient": gradient,
        "guidance_rate": rate,
    }


def random_steps(dtype: torch.dtype = torch.float64, batch: int = 1) -> st.SearchStrategy[dict]:
    """Arguments of `spherical_step`, of any rank from 4 up and at least `batch` samples, down to one element each."""
    samples = st.lists(st.integers(1, 5), min_size=3, max_size=5)
    shapes = st.builds(lambda first, rest: (first, *rest), st.integers(batch, 4), samples)
    seeds = st.integers(0, 2**32)
    return st.builds(random_step, shapes, st.floats(0.1, 100), st.floats(0, 1), st.just(dtype), seeds)


def one(step: dict, index: int) -> dict:
    """The step of one sample alone."""
    return {name: value[index : index + 1] if isinstance(value, Tensor) else value for name, value in step.items()}


def column(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.ndim - 1))


def norms(x: Tensor) -> Tensor:
    return x.double().flatten(1).norm(dim=1)


def radius(step: dict) -> float:
    return math.sqrt(step["noise"][0].numel()) * step["posterior_std"]


def unguided(step: dict) -> Tensor:
    return step["posterior_mean"] + step["posterior_std"] * step["noise"]


@given(random_steps(torch.float32))
def test_every_sample_ends_on_its_sphere(step):
    x = spherical_step(**step)
    distances = norms(x.double() - step["posterior_mean"].double())
    assert_close(distances, torch.full_like(distances, radius(step)), rtol=1e-5, atol=0)


@given(random_steps())
def test_rate_0_is_the_samples_direction_at_the_radius(step):
    noise = step["noise"]
    x = spherical_step(**step | {"guidance_rate": 0.0})
    assert_close(x, step["posterior_mean"] + radius(step) * noise / column(norms(noise), noise), rtol=1e-9, atol=1e-9)


@given(random_steps())
def test_rate_1_is_steepest_descent(step):
    g = step["gradient"]
    x = spherical_step(**step | {"guidance_rate": 1.0})
    assert_close(x, step["posterior_mean"] - radius(step) * g / column(norms(g), g), rtol=1e-9, atol=1e-9)


@given(random_steps())
def test_between_the_ends_it_is_the_blends_direction(step):
    mean, noise, g, rate = step["posterior_mean"], step["noise"], step["gradient"], step["guidance_rate"]
    d_sample = step["posterior_std"] * noise
    d_star = -radius(step) * g / column(norms(g), g)
    d_mix = (1 - rate) * d_sample + rate * d_star
    assert_close(
        spherical_step(**step), mean + radius(step) * d_mix / column(norms(d_mix), d_mix), rtol=1e-8, atol=1e-8
    )


@given(random_steps(), st.lists(st.floats(-6, 6), min_size=4, max_size=4))
def test_the_gradients_scale_does_not_matter(step, exponents):
    g = step["gradient"]
    factors = column(10 ** torch.tensor(exponents[: len(g)], dtype=g.dtype), g)
    assert_close(spherical_step(**step | {"gradient": factors * g}), spherical_step(**step), rtol=1e-8, atol=1e-8)


@given(random_steps(torch.float32), st.integers(-20, 20))
def test_a_scale_that_rounds_nothing_changes_no_bit(step, exponent):
    scaled = step | {"gradient": step["gradient"] * 2.0**exponent}
    assert torch.equal(spherical_step(**scaled), spherical_step(**step))


@given(random_steps(torch.float32, batch=2))
def test_a_batch_equals_runs_of_one_bit_for_bit(step):
    alone = [spherical_step(**one(step, index)) for index in range(len(step["noise"]))]
    assert torch.equal(spherical_step(**step), torch.cat(alone))


def test_large_samples_of_a_batch_equal_runs_of_one_bit_for_bit():
    """Large enough that PyTorch splits sums over threads."""
    step = random_step((3, 4, 128, 128), 0.7, 0.2, torch.float32)
    alone = [spherical_step(**one(step, index)) for index in range(3)]
    assert torch.equal(spherical_step(**step), torch.cat(alone))


@pytest.mark.parametrize("bad", BAD)
@given(step=random_steps(torch.float32, batch=2))
def test_a_sample_without_a_usable_gradient_takes_the_unguided_step_alone(bad, step):
    gradient = step["gradient"].clone()
    if bad == "zero":
        gradient[1] = 0
    else:
        gradient[1].view(-1)[0] = BAD[bad]  # one element is enough
    x = spherical_step(**step | {"gradient": gradient})
    expected = spherical_step(**step)
    expected[1] = unguided(step)[1]
    assert torch.equal(x, expected)


@st.composite
def steps_in_a_region(draw) -> dict:
    """With regions of each rank that broadcasts to the latent, down to no free element at all."""
    step = draw(random_steps(batch=2))
    shape = step["noise"].shape
    kept = draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    region = torch.rand([size if keep else 1 for size, keep in zip(shape, kept)], generator=generator)
    return step | {"region": region < draw(st.sampled_from([0.2, 0.5, 0.9]))}


@given(steps_in_a_region())
def test_outside_the_region_the_unguided_sample_is_taken(step):
    outside = ~step["region"].expand_as(step["noise"])
    assert torch.equal(spherical_step(**step)[outside], unguided(step)[outside])


@given(steps_in_a_region())
def test_inside_the_region_the_step_is_that_of_the_free_elements_alone(step):
    """So n, r and the norms count the free elements only, sample by sample."""
    x = spherical_step(**step)
    for index, free in enumerate(step["region"].expand_as(step["noise"])):
        inside = {
            name: value[index][free].view(1, 1, 1, -1) if isinstance(value, Tensor) else value
            for name, value in step.items()
            if name != "region"
        }
        if free.any():
            assert_close(x[index][free], spherical_step(**inside).flatten(), rtol=1e-8, atol=1e-8)


@given(steps_in_a_region(), st.sampled_from([0.0, 1e6, math.nan, math.inf]))
def test_gradients_outside_the_region_do_not_matter(step, value):
    gradient = torch.where(step["region"], step["gradient"], value)
    assert torch.equal(spherical_step(**step | {"gradient": gradient}), spherical_step(**step))


@given(random_steps())
def test_a_region_of_everything_is_no_region(step):
    region = torch.ones_like(step["noise"], dtype=torch.bool)
    assert_close(spherical_step(**step, region=region), spherical_step(**step), rtol=1e-8, atol=1e-8)
