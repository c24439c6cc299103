"""azula (F. Rozet), each method as its documentation has it, on our noise levels.

Its DPS takes one norm over the batch, so here each picture is a batch of its own. It works on pictures in [−1, 1],
where the measurement's noise is twice ours.
"""

import torch
from azula.denoise import Denoiser, DiracPosterior
from azula.guidance.diffpir import DiffPIRDenoiser
from azula.guidance.dps import DPSSampler
from azula.guidance.mmps import MMPSDenoiser
from azula.guidance.pgdm import PGDMSampler
from azula.linalg.covariance import IsotropicCovariance
from azula.sample import DDIMSampler, DDPMSampler, Sampler
from torch import Tensor

from tasks.wiring import NOISE

from .contender import Contender, Restore
from .network import Network
from .problem import SIDE, Problem

VARIANCE = torch.tensor((2 * NOISE) ** 2)


class Model(Denoiser):
    """Our network, at time t = 1 − k/steps the host's k-th noise level, variance preserving or, in a flow, as it is."""

    def __init__(self, network: Network, steps: int):
        super().__init__()
        self.network, self.sigmas = network, network.sigmas(steps)

    def schedule(self, t: Tensor) -> tuple[Tensor, Tensor]:
        sigma = self.sigmas[round((1 - float(t)) * (len(self.sigmas) - 1))]
        if self.network.flow:
            return (1 - sigma).clamp(min=1e-4), sigma  # α = 0 is divided by
        return (1 + sigma**2) ** -0.5, sigma * (1 + sigma**2) ** -0.5

    def forward(self, x_t: Tensor, t: Tensor) -> DiracPosterior:
        alpha, sigma = self.schedule(t)
        return DiracPosterior(mean=self.network.picture(x_t / alpha, float(sigma / alpha)))


def measurement(problem: Problem, part: slice = slice(None)) -> tuple[Tensor, object]:
    """y, and A, of pictures in [−1, 1]: `[B, numbers]` each."""
    shift = problem.measure(torch.ones_like(problem.truth))
    y = (2 * problem.measured - shift)[part].flatten(1)
    known = None if problem.known is None else problem.known[part]
    measure = problem.measure if known is None else lambda x: known * x
    return y, lambda x: measure(x).flatten(1)


def run(sampler: Sampler, problem: Problem, part: slice = slice(None)) -> Tensor:
    torch.manual_seed(problem.first)
    noise = torch.randn(len(problem.truth), 3, SIDE, SIDE)[part]
    sampler.silent = True
    alpha, sigma = sampler.denoiser.schedule(torch.tensor(1.0))
    del alpha
    return (sampler(sigma * noise) + 1) / 2


def dps(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
    made = []
    for index in range(len(problem.truth)):
        part = slice(index, index + 1)
        y, measure = measurement(problem, part)
        sampler = DPSSampler(Model(network, steps), y, measure, zeta=strength, steps=steps)
        made.append(run(sampler, problem, part))
    return torch.cat(made)


def mmps(iterations: int) -> Restore:
    def restore(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
        y, measure = measurement(problem)
        covariance = IsotropicCovariance(VARIANCE)
        denoiser = MMPSDenoiser(Model(network, steps), y, measure, covariance, iterations=iterations)
        return run(DDPMSampler(denoiser, steps=steps), problem)

    return restore


def pgdm(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
    """Inpainting's A is its own pseudo-inverse. η is the number."""
    y, measure = measurement(problem)
    shape = problem.truth.shape
    back = lambda measured: measured.view(-1, *shape[1:])  # noqa: E731
    sampler = PGDMSampler(Model(network, steps), y, measure, back, eta=strength, steps=steps)
    return run(sampler, problem)


def diffpir(network: Network, problem: Problem, steps: int, strength: float) -> Tensor:
    """λ is the number; noise fresh as in DDPM, which is where its η ends."""
    y, measure = measurement(problem)
    denoiser = DiffPIRDenoiser(Model(network, steps), y, measure, VARIANCE, lmbda=strength, iterations=4)
    return run(DDIMSampler(denoiser, eta=1.0, steps=steps), problem)


AZULA = "azula"
CONTENDERS = [
    Contender(AZULA, "DPS", dps, (1.0, 3.0, 10.0, 30.0)),
    Contender(AZULA, "MMPS, 1 iteration", mmps(1), (1.0,)),
    Contender(AZULA, "MMPS, 3 iterations", mmps(3), (1.0,)),
    Contender(AZULA, "PGDM", pgdm, (0.0, 0.5, 1.0), ("inpainting",)),
    Contender(AZULA, "DiffPIR", diffpir, (0.1, 1.0, 10.0)),
]
