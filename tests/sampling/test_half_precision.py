"""A backward pass in half precision keeps a gradient's direction however small or large the vector is."""

import pytest
import torch
from torch import Tensor, nn

from sampling import DPS, Denoisers, LossTerm, SeededNoise, loss_gradient, sample
from sampling.differentiation.half_precision import product

START = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
V = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(1))


def network(dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(2)
    layers = [layer for _ in range(6) for layer in (nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.Tanh())]
    return nn.Sequential(*layers).requires_grad_(False).to(dtype)


def gradient(dtype: torch.dtype, v: Tensor) -> Tensor:
    layers = network(dtype)

    def graph() -> tuple[Tensor, Tensor]:
        leaf = START.clone().requires_grad_()
        return leaf, layers(leaf.to(dtype)).float()

    return product(graph, v, len(v))


def cosines(a: Tensor, b: Tensor) -> Tensor:
    return torch.cosine_similarity(*(nn.functional.normalize(part.double().flatten(1), eps=0) for part in (a, b)))


@pytest.mark.parametrize("length", [1e-12, 1e-7, 1e-4, 1e-2, 1.0, 1e3, 1e6])
@pytest.mark.parametrize(("dtype", "least"), [(torch.float16, 0.999), (torch.bfloat16, 0.98)])
def test_the_direction_is_that_of_single_precision(dtype, least, length):
    expected = gradient(torch.float32, V)
    found = gradient(dtype, V * length)
    assert cosines(found, expected).min() > least
    assert found.flatten(1).norm(dim=1).tolist() == pytest.approx(
        (expected.flatten(1).norm(dim=1) * length).tolist(), rel=0.02
    )


def test_a_pass_that_overflows_is_tried_again_at_a_smaller_size():
    """On its way back the gradient is 2²⁰ times as large as at both ends."""

    def graph() -> tuple[Tensor, Tensor]:
        leaf = START.clone().requires_grad_()
        return leaf, (leaf.half() * 2**-12 * 2**-8 * 2**12 * 2**8).float()

    found = product(graph, V, len(V))
    assert found.isfinite().all()
    assert cosines(found, V).min() > 0.999
    assert not product(graph, V, len(V), again=False).isfinite().all()


@pytest.mark.parametrize("scales", [(1e-3, 1e3), (1e-6, 1.0)])
def test_samples_of_different_sizes_each_have_their_own(scales):
    v = V * torch.tensor(scales).view(2, 1, 1, 1)
    assert cosines(gradient(torch.float16, v), gradient(torch.float32, v)).min() > 0.999


def test_no_bit_changes_in_single_precision():
    leaf = START.clone().requires_grad_()
    (plain,) = torch.autograd.grad(network(torch.float32)(leaf), leaf, V)
    assert torch.equal(gradient(torch.float32, V), plain)


def test_a_vector_of_zeros_or_nan_stays_so():
    v = V.clone()
    v[0], v[1] = 0, torch.nan
    found = gradient(torch.float32, v)
    assert not found[0].any()
    assert found[1].isnan().any()


@pytest.mark.parametrize("mode", ["exact", "low memory"])
def test_a_loss_in_half_precision_behind_a_denoiser_in_half_precision(mode):
    layers, judge = network(torch.float16), network(torch.float16)

    def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
        return x + layers(x.half()).to(x.dtype)

    def tiny(images: Tensor) -> Tensor:
        return 1e-6 * judge(images.half()).float().flatten(1).norm(dim=1)

    half = loss_gradient(
        Denoisers(denoiser, precision=torch.float16), START, 1.0, [LossTerm("tiny", tiny)], lambda z: z, mode=mode
    )
    layers.float(), judge.float()
    for part in (layers, judge):
        part.forward = lambda x, forward=part.forward: forward(x.float())
    full = loss_gradient(denoiser, START, 1.0, [LossTerm("tiny", tiny)], lambda z: z, mode=mode)
    assert cosines(half.gradient, full.gradient).min() > 0.99


def test_a_denoiser_that_overflows_in_its_second_try_too_is_counted(guide):
    def broken(x: Tensor, sigma: Tensor) -> Tensor:
        return (x * 3e38) * 0 + x.sqrt()

    guidance = guide(lambda images: images.flatten(1).norm(dim=1), method=DPS)
    _, report = sample(broken, -START, torch.tensor([1.0, 0.5, 0.0]), SeededNoise(0), guidance)
    assert report.skipped == 4
