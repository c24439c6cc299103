"""The gradient through losses, decoder and denoiser."""

import weakref

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from sampling import LossTerm, loss_gradient

SIGMA = 0.8
TARGET = torch.linspace(0, 1, 12, dtype=torch.float64).view(1, 3, 2, 2)
LOSSES = [
    LossTerm("distance", lambda images: (images - TARGET.to(images.dtype)).flatten(1).norm(dim=1), weight=2.0),
    LossTerm("brightness", lambda images: (images.flatten(1).mean(1) - 0.7) ** 2, weight=-30.0),
]


def latents() -> Tensor:
    return torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def decode(latent: Tensor) -> Tensor:
    """Mixes neighbours, and is not linear."""
    return torch.sigmoid(latent - 0.5 * latent.roll(1, 1))


def test_it_is_the_derivative_of_the_weighted_sum(denoiser):
    """Against central differences. 1e-5 because the losses' own gradient is taken in float32."""
    x, h = latents(), 1e-5
    sigma = torch.full([2], SIGMA, dtype=torch.float64)

    def total(moved: Tensor) -> Tensor:
        images = decode(denoiser(moved, sigma))
        return sum(term.weight * term.loss(images) for term in LOSSES)

    expected = torch.zeros_like(x)
    for position in range(x[0].numel()):
        delta = torch.zeros_like(x)
        delta.view(2, -1)[:, position] = h
        expected.view(2, -1)[:, position] = (total(x + delta) - total(x - delta)) / (2 * h)

    estimate = loss_gradient(denoiser, x, SIGMA, LOSSES, decode)
    assert_close(estimate.gradient, expected, rtol=1e-5, atol=1e-6)


def test_it_gives_the_estimate_and_each_unweighted_loss_detached(denoiser):
    x = latents()
    estimate = loss_gradient(denoiser, x, SIGMA, LOSSES, decode)
    denoised = denoiser(x, torch.full([2], SIGMA, dtype=torch.float64))
    assert torch.equal(estimate.denoised, denoised)
    assert list(estimate.losses) == ["distance", "brightness"]
    for term in LOSSES:
        assert_close(estimate.losses[term.name].value.double(), term.loss(decode(denoised)), rtol=1e-5, atol=1e-6)
    for tensor in (estimate.denoised, estimate.gradient, *(loss.value for loss in estimate.losses.values())):
        assert not tensor.requires_grad
        assert tensor.grad_fn is None


def test_each_losss_graph_is_freed_before_the_next_loss_begins(denoiser):
    saved = []

    def keeps_a_picture(images: Tensor) -> Tensor:
        assert all(picture() is None for picture in saved)
        double = 2 * images
        saved.append(weakref.ref(double))
        return (double**2).flatten(1).sum(1)  # its backward pass needs `double`

    losses = [LossTerm(name, keeps_a_picture) for name in ("first", "second", "third")]
    loss_gradient(denoiser, latents(), SIGMA, losses, decode)
    assert len(saved) == 3
    assert saved[-1]() is None


def test_it_works_without_gradients_around_it_and_leaves_nothing_behind():
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    x = latents()
    with torch.no_grad():
        estimate = loss_gradient(lambda x, sigma: weight * x, x, SIGMA, LOSSES, decode)
        assert not torch.is_grad_enabled()
    assert estimate.gradient.norm() > 0
    assert weight.grad is None
    assert not x.requires_grad


def test_one_forward_and_one_backward_pass_of_the_denoiser():
    passes = []

    class Counted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x: Tensor) -> Tensor:
            passes.append("forward")
            return x.clone()

        @staticmethod
        def backward(ctx, gradient: Tensor) -> Tensor:
            passes.append("backward")
            return gradient

    loss_gradient(lambda x, sigma: Counted.apply(x), latents(), SIGMA, LOSSES, decode)
    assert passes == ["forward", "backward"]


def test_a_decoder_in_half_precision_is_enough(denoiser):
    full = loss_gradient(denoiser, latents().float(), SIGMA, LOSSES, decode).gradient
    half = loss_gradient(denoiser, latents().float(), SIGMA, LOSSES, lambda z: decode(z.bfloat16())).gradient
    assert half.dtype == full.dtype == torch.float32
    assert torch.cosine_similarity(half.flatten(1), full.flatten(1)).min() > 0.99


def test_a_denoiser_without_a_gradient_is_an_error():
    with pytest.raises(RuntimeError, match="grad"):
        loss_gradient(lambda x, sigma: x.detach(), latents(), SIGMA, LOSSES, decode)
