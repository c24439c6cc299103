from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import settings
from torch import Tensor

from sampling import DSG, Guidance, GuidanceMethod, GuidanceRate, GuidedSteps, LossTerm, Progress, Spherical

# The same examples in every run, and no limit on an example's time: the machine may be busy.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def denoiser() -> Callable[[Tensor, Tensor], Tensor]:
    """Nonlinear, with a Jacobian that is not symmetric, sample by sample: neighbours in the batch cannot matter."""

    def denoise_one(x: Tensor, sigma: Tensor) -> Tensor:
        return torch.tanh((x + 0.5 * x.roll(1, -1)) / (1 + sigma)) + 0.1 * x.roll(1, -2) ** 2 / (1 + sigma**2)

    return lambda x, sigma: torch.stack([denoise_one(*pair) for pair in zip(x, sigma)])


@pytest.fixture(scope="session")
def guide() -> Callable[..., Guidance]:
    """Guidance by losses of the latent itself. `top` is the highest noise level of the run; `rate` is that of a method
    with the spherical constraint."""

    def make(
        *losses: LossTerm | Callable[[Tensor], Tensor],
        method: GuidanceMethod = DSG,
        rate: GuidanceRate | float | None = None,
        when: GuidedSteps | None = None,
        top: float = 10.0,
    ) -> Guidance:
        terms: Sequence[LossTerm] = [
            loss if isinstance(loss, LossTerm) else LossTerm(f"loss {number}", loss)
            for number, loss in enumerate(losses)
        ]
        if rate is not None:
            assert isinstance(method.constraint, Spherical)
            method = replace(method, constraint=Spherical(GuidanceRate(rate) if isinstance(rate, float) else rate))
        return Guidance(terms, lambda latent: latent, method, when or GuidedSteps(), Progress.even(top))

    return make
