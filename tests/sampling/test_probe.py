"""A gradient that is wrong is noticed, once a run, and a right one is left alone."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sampling import DSG, Denoisers, LossTerm, SeededNoise, sample

SIGMAS = torch.tensor([10.0, 6.0, 3.0, 1.0, 0.3, 0.0])
START = 10 * torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(1))


class Wrong(torch.autograd.Function):
    """Leaves x as it is, and multiplies its gradient by a factor, as weights do that were exchanged meanwhile."""

    @staticmethod
    def forward(ctx, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.factor * gradient, None


def distance(images: Tensor) -> Tensor:
    return (images - 0.5).flatten(1).norm(dim=1)


@pytest.fixture
def run(guide, denoiser):
    def run(mode: str, factor: float = 1.0, loss_factor: float = 1.0, change=lambda x: x):
        told: list[str] = []

        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            return change(denoiser(Wrong.apply(x, factor), sigma))

        terms = LossTerm("distance", lambda images: distance(Wrong.apply(images, loss_factor)))
        guidance = guide(terms, method=replace(DSG, gradient_mode=mode))
        _, report = sample(Denoisers(denoise, tell=told.append), START, SIGMAS, SeededNoise(0), guidance)
        return told, report

    return run


@pytest.mark.parametrize("mode", ["auto", "exact", "low memory", "finite difference", "none"])
def test_a_right_gradient_is_left_alone(run, mode):
    told, report = run(mode)
    assert told == []
    assert report.gradient_modes == ["exact" if mode == "auto" else mode]
    if mode in ("auto", "exact", "low memory"):
        assert report.agreement == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("factor", [-1.0, 0.1, 10.0])
@pytest.mark.parametrize("mode", ["exact", "low memory"])
def test_a_wrong_one_is_told_where_it_is_insisted_on(run, mode, factor):
    told, report = run(mode, factor)
    assert len(told) == 1
    assert "contradicts the gradient that this model gives; set gradient to finite difference" in told[0]
    assert report.gradient_modes == [mode]


@pytest.mark.parametrize("factor", [-1.0, 0.1, 10.0])
def test_auto_takes_finite_differences_instead(run, factor):
    told, report = run("auto", factor)
    assert report.gradient_modes == ["exact", "finite difference"]
    assert len(told) == 1
    assert "contradicts the gradient" in told[0]


@pytest.mark.parametrize("mode", ["exact", "none"])
@pytest.mark.parametrize("factor", [-1.0, 0.1, 10.0])
def test_a_wrong_gradient_of_the_losses_is_told(run, mode, factor):
    told, _ = run(mode, loss_factor=factor)
    assert len(told) == 1
    assert "contradicts the gradient of the losses (distance)" in told[0]


@pytest.mark.parametrize("mode", ["low memory", "finite difference"])
def test_passes_that_differ_are_told(run, mode):
    generator = torch.Generator().manual_seed(0)
    told, _ = run(mode, change=lambda x: x * (1 + torch.randn(x.shape, generator=generator)))
    assert len(told) == 1
    assert "makes something else of each pass" in told[0]


@pytest.mark.parametrize("mode", ["exact", "low memory", "finite difference"])
def test_passes_that_draw_random_numbers_are_the_same_pass(run, mode):
    torch.manual_seed(0)
    told, _ = run(mode, change=lambda x: x * (1 + 0.5 * torch.randn(x.shape)))
    assert told == []
