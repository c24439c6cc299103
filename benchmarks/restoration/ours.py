"""This pack's methods."""

from dataclasses import replace

import torch
from torch import Tensor

from sampling import (
    DIFFPIR,
    DPS,
    DSG,
    POSTERIOR_MEAN,
    Guidance,
    GuidanceMethod,
    GuidanceRate,
    LossTerm,
    SeededNoise,
    Spherical,
    sample,
)
from tasks.wiring import NOISE

from .contender import Contender, Restore
from .network import Network, decode
from .problem import SIDE, Problem

PACK = "this pack"


def restore(network: Network, problem: Problem, steps: int, method: GuidanceMethod, told: bool) -> Tensor:
    """A run from the host's starting noise."""
    count, size = len(problem.truth), (len(problem.truth), SIDE, SIDE, torch.device("cpu"))
    loss = problem.loss(NOISE if told else 0.0)
    term = LossTerm(loss.name, loss.fit(*size), noise_level=loss.noise_level, values=loss.values(*size))
    sigmas = network.sigmas(steps)
    x = torch.randn(count, 12, SIDE // 2, SIDE // 2, generator=torch.Generator().manual_seed(problem.first))
    x = network.base.model_sampling.noise_scaling(sigmas[0], x, torch.zeros_like(x), max_denoise=True)
    guidance = Guidance([term], decode, method)
    x, _ = sample(network.latent, x, sigmas, SeededNoise(problem.first), guidance, flow=network.flow)
    return decode(x)


def searched(method: GuidanceMethod) -> Restore:
    def run(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
        if isinstance(method.constraint, Spherical):
            chosen = replace(method, constraint=Spherical(GuidanceRate(strength)))
        else:
            chosen = method.with_strength(strength)
        return restore(network, problem, steps, chosen, told=True)

    return run


def fixed(method: GuidanceMethod, told: bool) -> Restore:
    return lambda network, problem, steps, strength: restore(network, problem, steps, method, told)


ONCE = replace(POSTERIOR_MEAN, passes=0)  # of 12 steps or fewer all but the first are repeated otherwise

CONTENDERS = [
    Contender(PACK, "automatic, noise untold", fixed(POSTERIOR_MEAN, told=False), (1.0,)),
    Contender(PACK, "automatic, noise told", fixed(POSTERIOR_MEAN, told=True), (1.0,)),
    Contender(PACK, "automatic, each step once", fixed(ONCE, told=False), (1.0,), most_steps=12),
    Contender(PACK, "DSG, rate 0.2", fixed(DSG, told=False), (0.2,)),
    Contender(PACK, "DSG, best rate", searched(DSG), (0.05, 0.1, 0.2, 0.3, 0.5)),
    Contender(PACK, "DPS", searched(DPS), (3.0, 10.0, 30.0, 100.0)),
    Contender(PACK, "DiffPIR", searched(DIFFPIR), (0.3, 1.0, 3.0, 10.0)),
]
