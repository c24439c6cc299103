"""deepinv, each method as its documentation has it, on its own noise levels. It works on pictures in [0, 1]."""

import deepinv
import numpy as np
import torch
from torch import Tensor

from tasks.wiring import NOISE

from .contender import Contender, Restore
from .network import Network
from .problem import Problem, adjoint


class Model(deepinv.models.Denoiser):
    """Our network, for pictures x_0 + σ·noise in [0, 1]."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, sigma: Tensor | float, *args: object, **kwargs: object) -> Tensor:
        level = float(torch.as_tensor(sigma).flatten()[0])
        return (self.network.picture(2 * x.float() - 1, 2 * level) + 1) / 2


def physics(problem: Problem) -> deepinv.physics.LinearPhysics:
    noise = deepinv.physics.GaussianNoise(NOISE)
    back = adjoint(problem.measure, problem.truth.shape)
    return deepinv.physics.LinearPhysics(A=problem.measure, A_adjoint=back, noise_model=noise)


def diffpir(zeta: float) -> Restore:
    """λ is the number."""

    def restore(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
        torch.manual_seed(problem.first)
        sampler = deepinv.sampling.DiffPIR(
            Model(network), deepinv.optim.L2(), sigma=NOISE, max_iter=steps, zeta=zeta, lambda_=strength
        )
        operator = physics(problem)
        start = operator.A_adjoint(problem.measured)
        return sampler(problem.measured, operator, x_init=start)

    return restore


def dps(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
    """The weight is the number."""
    generator = torch.Generator().manual_seed(problem.first)
    sampler = deepinv.sampling.DPS(Model(network), num_steps=steps + 1, weight=strength, rng=generator)
    return sampler(problem.measured, physics(problem), x_init=problem.truth.shape).float()


def ddrm(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
    """η is the number. It wants a singular value decomposition, which inpainting has."""
    torch.manual_seed(problem.first)
    assert problem.known is not None
    made = []
    for index in range(len(problem.truth)):  # one mask for a batch
        part = slice(index, index + 1)
        mask = problem.known[index].expand(3, -1, -1)
        operator = deepinv.physics.Inpainting((3, 64, 64), mask, noise_model=deepinv.physics.GaussianNoise(NOISE))
        sampler = deepinv.sampling.DDRM(Model(network), sigmas=np.linspace(1, 0, steps), eta=strength)
        made.append(sampler(problem.measured[part], operator))
    return torch.cat(made)


DEEPINV = "deepinv"
CONTENDERS = [
    Contender(DEEPINV, "DiffPIR, ζ 0.3", diffpir(0.3), (1.0, 7.0, 20.0)),
    Contender(DEEPINV, "DiffPIR, ζ 1", diffpir(1.0), (1.0, 7.0, 20.0)),
    Contender(DEEPINV, "DPS", dps, (3.0, 10.0, 30.0, 100.0)),
    Contender(DEEPINV, "DDRM", ddrm, (0.85, 1.0), ("inpainting",)),
]
