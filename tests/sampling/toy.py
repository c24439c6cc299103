"""A small problem in the papers' variance preserving coordinates, for references written from the papers."""

import math

import torch
from torch import Tensor

MEASURED = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
START = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def ddpm_alpha_bars(steps: int) -> list[float]:
    """DDPM's linear schedule, respaced to a divisor of 1000, from the noisiest; the last is the finished picture."""
    alpha_bars = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    every = 1000 // steps
    return [*alpha_bars[every - 1 :: every].flip(0).tolist(), 1.0]


def network(x: Tensor, alpha_bar: float) -> Tensor:
    """A toy in place of x̂_0(x_t): nonlinear, and its Jacobian is not symmetric."""
    mixed = 0.9 * x.roll(1, -1) - 0.7 * x.roll(2, -2) + 0.4 * x.roll(1, -3)
    return 0.5 + 0.5 * torch.tanh(math.sqrt(alpha_bar) * x + (1 - 0.5 * alpha_bar) * mixed)


def loss(images: Tensor) -> Tensor:
    return (MEASURED.to(images.dtype) - images)[..., ::2].flatten(1).norm(dim=1)
