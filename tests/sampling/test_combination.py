"""Several losses at once: who has how much say, and what each costs."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from sampling import LossTerm
from sampling.balance import shares, weighted_sum
from sampling.estimate import estimate_gradient


def gradients(*sizes: float) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [size * torch.randn(2, 3, 4, 4, generator=generator, dtype=torch.float64) for size in sizes]


def combine(each: list[Tensor], weights: list[float], balanced: bool) -> Tensor:
    return weighted_sum(each, shares(each, weights, balanced))


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return torch.cosine_similarity(a.flatten(1), b.flatten(1))


def test_a_plain_sum_follows_the_largest_gradient_and_a_balanced_one_follows_both() -> None:
    small, large = gradients(1e-3, 1e3)
    assert cosine(combine([small, large], [1, 1], balanced=False), large).min() > 0.999999
    balanced = combine([small, large], [1, 1], balanced=True)
    assert_close(cosine(balanced, small), cosine(balanced, large))
    assert cosine(balanced, small).min() > 0.6


def test_weights_share_out_the_balanced_direction() -> None:
    """Of two orthogonal gradients, the parts along each are as the weights, whatever the sizes."""
    first, second = torch.zeros(2, 2, 1, 3, 3, dtype=torch.float64)
    first[:, 0, 0, 0], second[:, 0, 1, 1] = 5.0, 0.01
    mixed = combine([first, second], [3, 1], balanced=True)
    assert_close(mixed[:, 0, 0, 0] / mixed[:, 0, 1, 1], torch.full([2], 3.0, dtype=torch.float64))


@pytest.mark.parametrize("balanced", [True, False])
def test_a_loss_alone_is_its_weighted_gradient(balanced: bool) -> None:
    (only,) = gradients(7.0)
    assert_close(combine([only], [2.5], balanced), 2.5 * only)


def test_the_balanced_sum_has_the_size_of_a_mean_gradient() -> None:
    (one,) = gradients(1.0)
    assert_close(combine([one, 3 * one], [1, 1], balanced=True), 2 * 2 * one)  # both along one: (1 + 1) · (1 + 3) / 2


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf")])
def test_a_sample_without_a_usable_gradient_leaves_that_loss_out(bad: float) -> None:
    good, broken = gradients(1.0, 1.0)
    broken[0] = bad
    mixed = combine([good, broken], [1, 1], balanced=True)
    assert_close(mixed[0], good[0])
    assert mixed.isfinite().all()


def test_the_cost_tells_what_a_loss_keeps_without_its_weights() -> None:
    weight = torch.nn.Parameter(torch.ones(3, 64, 64), requires_grad=False)

    def cheap(images: Tensor) -> Tensor:
        return (images * weight).sum(dim=(1, 2, 3))

    def costly(images: Tensor) -> Tensor:
        return (images.exp().sin().exp() * weight).sum(dim=(1, 2, 3))

    terms = [LossTerm("cheap", cheap), LossTerm("costly", costly)]
    x = torch.rand(2, 3, 64, 64)
    losses = estimate_gradient(x, terms, lambda latent: latent, measure=True).losses
    picture = x.numel() * 4 / 2**20
    assert losses["cheap"].cost.megabytes < 0.1 * picture
    assert losses["costly"].cost.megabytes == pytest.approx(2 * picture)  # exp and exp of sin, and no weight
    assert all(loss.cost.seconds > 0 for loss in losses.values())
