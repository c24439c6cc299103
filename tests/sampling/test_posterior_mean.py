"""The posterior's mean: the covariance, the solver, and what it does with losses that are no measurements."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from sampling import DIFFPIR, DSG, POSTERIOR_MEAN, Automatic, LossTerm, SeededNoise, Spherical, automatic, sample
from sampling.estimate import EstimateGradient, LossValue
from sampling.methods.posterior_mean import Covariance, conjugate_gradients, precisions

SIGMAS = torch.tensor([10.0, 6.0, 3.0, 1.0, 0.3, 0.0])


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense(covariance: Covariance, n: int) -> Tensor:
    """The matrix of one sample."""
    return torch.stack([covariance.times(row[None])[0] for row in torch.eye(n, dtype=torch.float64)], dim=1)


def test_the_covariance_gives_what_is_known_of_it_and_is_symmetric_and_positive():
    jacobian = draw(6, 6)
    jacobian = jacobian @ jacobian.T / 6
    v = draw(1, 6, seed=1)
    covariance = Covariance.secant(v, v @ jacobian, c=3.0)
    assert_close(covariance.times(v), 3 * v @ jacobian)
    matrix = dense(covariance, 6)
    assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix).min() > 0
    x = draw(1, 6, seed=2)
    assert_close(covariance.solve(covariance.times(x)), x)


@pytest.mark.parametrize("turned", [-1.0, 0.0])
def test_the_covariance_stays_positive_where_the_network_turns_the_gradient_away(turned):
    v = draw(2, 6)
    covariance = Covariance.secant(v, turned * v + draw(2, 6, seed=3), c=1.0)
    for one in range(2):
        single = Covariance(*(part[one : one + 1] for part in covariance))
        assert torch.linalg.eigvalsh(dense(single, 6)).min() > 0


def test_conjugate_gradients_find_the_mean_of_a_gaussian_posterior():
    """x ~ N(0, V), y = A·x + N(0, s²): the mean is V·Aᵀ·(A·V·Aᵀ + s²)⁻¹·y."""
    a, y = draw(4, 6), draw(4, seed=4)
    covariance = Covariance.secant(draw(1, 6, seed=1), draw(1, 6, seed=1) + 0.3 * draw(1, 6, seed=2), c=2.0)
    matrix, noise = dense(covariance, 6), 0.1
    wanted = matrix @ a.T @ torch.linalg.solve(a @ matrix @ a.T + noise**2 * torch.eye(4).double(), y)

    def operator(p: Tensor) -> Tensor:
        return p @ a.T @ a / noise**2 + covariance.solve(p)

    found = conjugate_gradients((-a.T @ y / noise**2)[None], operator, covariance, iterations=8)
    assert_close(found[0], wanted, rtol=1e-6, atol=1e-6)


def test_a_sample_stops_where_the_curvature_is_not_above_zero():
    start = draw(2, 6)
    sign = torch.tensor([[1.0], [-1.0]])
    found = conjugate_gradients(start, lambda p: sign * p, Covariance.isotropic(1.0, start), 3)
    assert_close(found[0], -start[0])
    assert not found[1].any()


def test_an_unknown_noise_is_what_the_residual_has_beyond_the_uncertainty_of_the_picture():
    """Late in a run all of the residual is noise, early nearly none."""
    term = LossTerm("measured", lambda images: images.flatten(1).norm(dim=1), values=100.0)
    at = EstimateGradient(torch.zeros(1), torch.ones(1), torch.zeros(1), {"measured": LossValue(torch.tensor([0.5]))})
    late, early = (float(precisions([term], at, torch.tensor([variance]))[0]) for variance in (1e-9, 10.0))
    assert late == pytest.approx(1 / 0.05**2, rel=1e-3)
    assert early > 1000 * late
    (told,) = precisions([replace(term, noise_level=0.05)], at, torch.tensor([10.0]))
    assert float(told) == pytest.approx(1 / 0.05**2, rel=1e-3)


@pytest.mark.parametrize("method", [POSTERIOR_MEAN, DIFFPIR], ids=lambda method: method.name)
def test_the_loss_does_not_rise_through_a_decoder_that_is_far_from_linear(denoiser, guide, method):
    """The operator is then none; what is measured is the loss of the result and of the unguided one."""

    def loss(images: Tensor) -> Tensor:
        return torch.stack([(torch.tanh(2 * image) - 0.5).norm() for image in images])

    x = 10 * torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    guidance = guide(LossTerm("curved", loss, values=75.0), method=method)
    guided, report = sample(denoiser, x, SIGMAS, SeededNoise(0), guidance)
    plain, _ = sample(denoiser, x, SIGMAS, SeededNoise(0))
    assert guided.isfinite().all()
    assert (loss(guided) < loss(plain)).all()
    assert report.guided_steps == 5  # the last one too


@pytest.mark.parametrize(
    "term",
    [
        LossTerm("style", lambda images: images.mean((1, 2, 3))),
        LossTerm("away", lambda images: images.flatten(1).norm(dim=1), weight=-1.0, values=75.0),
    ],
)
def test_losses_that_are_no_measurements_are_named_before_the_run(denoiser, guide, term):
    with pytest.raises(ValueError, match=f"posterior mean is for measurements.*{term.name} is none"):
        sample(denoiser, torch.ones(1, 3, 5, 5), SIGMAS, SeededNoise(0), guide(term, method=POSTERIOR_MEAN))


def test_an_automatic_rate_takes_the_posteriors_mean_where_all_losses_are_measurements():
    measured = LossTerm("mask", lambda images: images.flatten(1).norm(dim=1), values=75.0)
    other = LossTerm("style", lambda images: images.mean((1, 2, 3)))
    rate = replace(DSG, constraint=Automatic())
    assert automatic(rate, [measured, measured]) is POSTERIOR_MEAN
    for method, losses in [
        (rate, [measured, other]),
        (rate, []),
        (DSG, [measured]),
        (replace(DIFFPIR, constraint=Automatic()), [measured]),
        (replace(DSG, constraint=Spherical()), [measured]),
    ]:
        assert automatic(method, losses) is method
