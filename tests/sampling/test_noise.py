import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sampling import DPS, DSG, FREEDOM, LGD_MC, MPGD, UGD, SeededNoise, sample

LIKE = torch.zeros(2, 4, 8, 8)
seeds = st.integers(0, 2**64 - 1)
levels = st.floats(0.001, 1000)


@given(seeds, levels)
def test_the_same_seed_and_level_give_the_same_noise(seed, sigma):
    assert torch.equal(SeededNoise(seed)(LIKE, sigma), SeededNoise(seed)(LIKE, sigma))


@given(seeds, seeds, levels, levels)
def test_another_seed_or_level_gives_other_noise(seed, other_seed, sigma, other_sigma):
    noise = SeededNoise(seed)(LIKE, sigma)
    assert torch.equal(SeededNoise(other_seed)(LIKE, sigma), noise) == (seed == other_seed)
    assert torch.equal(SeededNoise(seed)(LIKE, other_sigma), noise) == (sigma == other_sigma)


def test_neighbouring_seeds_levels_and_names_are_not_correlated():
    like = torch.zeros(1, 4, 100, 100)
    places = [
        (seed, sigma, name) for seed in (0, 1) for sigma in (1.0, 1.0000001) for name in ("", " 1", "time travel 1")
    ]
    noises = [SeededNoise(seed)(like, sigma, name).flatten() for seed, sigma, name in places]
    correlations = torch.corrcoef(torch.stack(noises)) - torch.eye(len(places))
    assert correlations.abs().max() < 0.02


def test_it_is_standard_normal():
    noise = SeededNoise(7)(torch.zeros(1, 4, 200, 200), 1.5)
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 1) < 0.01
    assert (noise.abs() < 1).float().mean() == pytest.approx(0.6827, abs=0.005)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_it_has_the_latents_shape_and_type(dtype):
    noise = SeededNoise(0)(torch.zeros(2, 3, 4, 5, 6, dtype=dtype), 1.0)
    assert noise.shape == (2, 3, 4, 5, 6)
    assert noise.dtype == dtype


def test_it_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    SeededNoise(0)(LIKE, 1.0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("method", [None, DSG, DPS, *(m.with_strength(0.05) for m in (FREEDOM, UGD, LGD_MC, MPGD))])
def test_a_split_run_equals_the_whole_run_bit_for_bit(denoiser, guide, flow, method):
    sigmas = torch.linspace(1, 0, 21) if flow else torch.cat([torch.linspace(3, -3, 20).exp(), torch.zeros(1)])
    top = float(sigmas[0])
    x = top * torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    guidance = method and guide(lambda images: (images - 0.5).flatten(1).norm(dim=1), method=method, top=top)

    def run(start: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        return sample(denoiser, start, levels, SeededNoise(9), guidance, flow=flow)[0]

    whole = run(x, sigmas)
    assert whole.isfinite().all()
    assert torch.equal(run(run(x, sigmas[:11]), sigmas[10:]), whole)
