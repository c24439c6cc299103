"""A trained network in fp16: the gradient's direction is that of single precision, however short the vector is."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sampling.differentiation.half_precision import product
from tools.comfyui import import_host

SHAPE = (2, 12, 32, 32)
X, V = (torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
TOKEN = torch.zeros(2, 1, 4)


@pytest.fixture(scope="module")
def networks() -> tuple[nn.Module, nn.Module]:
    """The embedded v-prediction model in single precision, and in fp16."""
    import_host()
    from embedded.loader import load_embedded_model

    single = load_embedded_model("faces").model.model.diffusion_model.requires_grad_(False)
    half = copy.deepcopy(single).half()
    half.dtype = torch.float16
    return single, half


def passes(network: nn.Module, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    leaf = X.clone().requires_grad_()
    return leaf, network(leaf.to(dtype), torch.full([2], 500.0), context=TOKEN.to(dtype)).float()


def cosines(a: Tensor, b: Tensor) -> Tensor:
    return torch.stack(
        [
            nn.functional.normalize(p, dim=0) @ nn.functional.normalize(q, dim=0)
            for p, q in zip(a.flatten(1), b.flatten(1))
        ]
    )


@pytest.fixture(scope="module")
def expected(networks) -> Tensor:
    """Of a V of length 1, in single precision."""
    return product(lambda: passes(networks[0], torch.float32), of_length(1.0), 2)


def of_length(length: float) -> Tensor:
    return V / V.flatten(1).norm(dim=1).view(2, 1, 1, 1) * length


@pytest.mark.parametrize("length", [1e-5, 1e-2, 1e4])
def test_the_direction_is_that_of_single_precision(networks, expected, length):
    _, half = networks
    v = of_length(length)
    found = product(lambda: passes(half, torch.float16), v, 2)
    assert cosines(found / length, expected).min() > 0.999
    if length == 1e-5:  # what it takes
        leaf, output = passes(half, torch.float16)
        assert cosines(torch.autograd.grad(output, leaf, v)[0] / length, expected).max() < 0.9
