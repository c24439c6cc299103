"""What autograd saves is counted once, without weights, and watched as PyTorch would."""

import gc
import math
import weakref

import pytest
import torch
from torch import nn

from sampling.differentiation.memory import is_out_of_memory
from sampling.differentiation.saved_tensors import (
    is_overwritten,
    overwriting_allowed,
    own_copies_saved,
    saved_tensors,
)


def test_storages_count_once_and_weights_not_at_all():
    x = torch.randn(10, 10, dtype=torch.float64, requires_grad=True)
    layer = nn.Linear(10, 10).double()
    with saved_tensors() as saved:
        y = torch.exp(x)
        assert saved() == 800
        y.sin()  # saves y again
        y.T.cos()  # and a view of it
        assert saved() == 800
        nn.functional.linear(x.detach().requires_grad_(), layer.weight.requires_grad_(False))
        assert saved() == 800
        y.sin().sin()
        assert saved() == 1600


def test_more_than_there_is_is_out_of_memory():
    x = torch.randn(10, 10, dtype=torch.float64, requires_grad=True)
    with pytest.raises(RuntimeError) as error, saved_tensors(1000):
        torch.exp(torch.exp(x))
    assert is_out_of_memory(error.value)


def test_what_a_graph_kept_counts_no_longer_when_it_is_freed():
    x = torch.randn(10, 10, dtype=torch.float64, requires_grad=True)
    others = []  # take the place of what was freed, so that the next graph gets another
    with saved_tensors(1000) as saved:
        for _ in range(10):
            torch.autograd.grad(torch.exp(x).sum(), x)
            others.append(torch.empty_like(x))
        assert saved() == 800


def test_a_saved_tensor_that_is_changed_is_noticed_as_without_counting():
    def changed():
        x = torch.ones(3, requires_grad=True)
        y = torch.exp(x)
        total = y.sum()
        y.mul_(0)
        torch.autograd.grad(total, x)

    with pytest.raises(RuntimeError) as plain:
        changed()
    with saved_tensors(), pytest.raises(RuntimeError) as counted:
        changed()
    assert is_overwritten(plain.value)
    assert is_overwritten(counted.value)


def test_changes_before_saving_and_of_what_is_not_saved_are_allowed():
    x = torch.ones(3, requires_grad=True)
    with saved_tensors():
        y = torch.relu_(2 * x)  # saves its own result
        z = y * 3  # saves nothing
        z.add_(1)
        (gradient,) = torch.autograd.grad(z.sum(), x)
    assert gradient.tolist() == [6, 6, 6]


def test_what_is_overwritten_is_kept_as_it_was_however_often_memory_is_used_again():
    """Each y is saved, changed, and freed, and the next one comes to lie in its place."""
    x = torch.linspace(0, 1, 1000, dtype=torch.float64, requires_grad=True)
    factors = [1 + number / 100 for number in range(300)]
    total = torch.zeros((), dtype=torch.float64)
    with overwriting_allowed():
        for factor in factors:
            y = factor * x
            total = total + (y**3).sum()
            y.mul_(0)
            del y
        (gradient,) = torch.autograd.grad(total, x)
    assert torch.allclose(gradient, sum(3 * factor**3 for factor in factors) * x.detach() ** 2)


def test_overwriting_may_be_allowed_twice():
    x = torch.ones(3, requires_grad=True)
    with overwriting_allowed():
        y = torch.exp(x)
        with overwriting_allowed():
            z = torch.exp(y)
            total = (y * z).sum()
            y.zero_()
            z.zero_()
            (gradient,) = torch.autograd.grad(total, x)
    e = math.e
    assert torch.allclose(gradient, torch.full([3], e * math.exp(e) * (1 + e)))


@pytest.mark.parametrize("watch", [saved_tensors, overwriting_allowed, own_copies_saved])
def test_a_graph_that_never_goes_backward_is_freed(watch):
    """As after an error or an interrupt, of operations that save their result."""

    def unfinished() -> weakref.ref:
        x = torch.ones(3, requires_grad=True)
        with watch():
            y = torch.exp(2 * x)
            torch.linalg.vector_norm(y)
        return weakref.ref(y)

    kept = unfinished()
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize("watch", [saved_tensors, overwriting_allowed, own_copies_saved])
def test_what_is_saved_has_its_place_in_the_graph(watch):
    """A derivative of a derivative goes through it."""
    x = torch.tensor(2.0, requires_grad=True)
    with watch():
        (first,) = torch.autograd.grad(torch.exp(3 * x), x, create_graph=True)
        (second,) = torch.autograd.grad(first, x)
    assert second == pytest.approx(9 * math.exp(6))
