"""Memory that runs out at any allocation of a guided step: a cheaper mode finishes the run, or the error comes out."""

import gc
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from sampling import DSG, TFG, Denoisers, LossTerm, SeededNoise, Spherical, sample
from sampling.differentiation.memory import is_out_of_memory
from tests.sampling import toy

START = 10 * toy.START
SIGMAS = torch.tensor([10.0, 3.0, 0.0], dtype=torch.float64)  # one guided step, and the last one, which is not
CHEAPER = {"auto": ["exact", "low memory"], "exact": ["exact", "low memory"]}
CHEAPER["low memory"] = ["low memory", "finite difference"]
OTHER = replace(TFG, constraint=Spherical(), iterations=2)
LOSSES = [LossTerm("measured", toy.loss), LossTerm("size", lambda images: images.flatten(1).norm(dim=1))]


class Allocations(TorchDispatchMode):
    """Counts the operations that make a new tensor; there is no memory for those of the numbers in `failing`."""

    def __init__(self, failing: tuple[int, ...]):
        super().__init__()
        self.failing, self.count = failing, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any(result.alias_info is None for result in func._schema.returns):  # neither a view nor in place
            self.count += 1
            if self.count in self.failing:
                raise torch.OutOfMemoryError("CUDA out of memory")
        return func(*args, **(kwargs or {}))


def plain(x: Tensor, sigma: Tensor) -> Tensor:
    level = float(sigma[0])
    return toy.network(x / math.sqrt(1 + level**2), 1 / (1 + level**2))


def checkpointed(x: Tensor, sigma: Tensor) -> Tensor:
    return checkpoint(plain, x, sigma, use_reentrant=False)


def run(guide, method, *failing: int):
    """The finished latent, its report, and how many tensors were made before and after the first step's estimate."""
    allocations, estimated = Allocations(failing), []
    denoisers = Denoisers(plain, plain, checkpointed)
    guidance = guide(*LOSSES, method=method)

    def callback(_event: dict) -> None:
        estimated.append(allocations.count)

    with allocations:
        x, report = sample(denoisers, START, SIGMAS, SeededNoise(0), guidance, callback=callback)
    return x, report, estimated[0], allocations.count


@pytest.fixture(autouse=True)
def quick_collection(guide) -> Iterator[None]:
    """A change of mode collects garbage; what was there before, and what a first run imports, is not looked through."""
    run(guide, DSG)
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(
    ("mode", "method", "every"),
    [(mode, DSG, 1) for mode in ("auto", "exact", "low memory", "finite difference", "none")] + [("auto", OTHER, 3)],
)
def test_every_allocation_of_a_guided_step(guide, mode, method, every):
    """Of a method with many more of them, every third."""
    method = replace(method, gradient_mode=mode)
    clean, _, estimated, total = run(guide, method)
    assert 20 < estimated < total
    modes = CHEAPER.get(mode)
    cheaper = run(guide, replace(method, gradient_mode=modes[-1]))[0] if modes else None
    for failing in range(1, total + 1, every):
        if modes and failing <= estimated:
            x, report, *_ = run(guide, method, failing)
            assert report.gradient_modes == modes
            assert torch.equal(x, cheaper)
        else:
            with pytest.raises(torch.OutOfMemoryError):
                run(guide, method, failing)
        assert torch.is_grad_enabled()
    assert torch.equal(run(guide, method)[0], clean)


@pytest.mark.parametrize("later", [1, 2, 3, 10])
def test_a_step_that_fails_again_in_the_cheaper_mode_takes_the_next(guide, later):
    x, report, *_ = run(guide, DSG, 5, 5 + later)
    assert report.gradient_modes == ["exact", "low memory", "finite difference"]
    assert torch.equal(x, run(guide, replace(DSG, gradient_mode="finite difference"))[0])


@pytest.mark.parametrize(
    "words",
    [
        "MPS backend out of memory",
        "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory",
        "[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory: you tried to allocate 8 B",
    ],
)
def test_the_words_of_each_allocator_are_known(words):
    assert is_out_of_memory(RuntimeError(words))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
