"""What is asked: the truth, what is measured of it, and how."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from embedded.held_out import held_out_faces
from guidance_losses import DeblurLoss, MaskLoss, SuperResolutionLoss, blur, gaussian_kernel, shrink
from guidance_losses.loss import MeasuredLoss
from tasks.judging import tensor
from tasks.wiring import BLUR_SIZE, BLUR_STD, FACTOR, HIDDEN, NOISE

SIDE = 64
TASKS = ["inpainting", "super-resolution", "deblurring"]


@dataclass(frozen=True)
class Problem:
    """One task on some people.

    Attributes:
        first: number of the first of them, also the seed.
        truth: `[B, 3, 64, 64]` in [0, 1].
        measure: A, linear, with A(1) = 1 where something is measured.
        measured: y = A(truth) + noise of standard deviation `NOISE`.
        loss: the pack's own for it; its noise is told or not.
        known: of inpainting, `[B, 1, 64, 64]`: where pixels are known.
    """

    task: str
    first: int
    truth: Tensor
    measure: Callable[[Tensor], Tensor]
    measured: Tensor
    loss: Callable[[float], MeasuredLoss]
    known: Tensor | None = None


def problem(task: str, first: int, count: int) -> Problem:
    """A task on the held-out people from number `first` on."""
    truth = tensor(held_out_faces()[first : first + count])
    noise = torch.Generator().manual_seed(1000 + first)

    def noisy(clean: Tensor) -> Tensor:
        return clean + NOISE * torch.randn(clean.shape, generator=noise)

    if task == "inpainting":
        order = torch.rand(count, SIDE**2, generator=torch.Generator().manual_seed(2000 + first)).argsort(1).argsort(1)
        known = (order >= round(HIDDEN * SIDE**2)).float().view(count, 1, SIDE, SIDE)
        y = known * noisy(truth)
        return Problem(task, first, truth, lambda x: known * x, y, lambda level: MaskLoss(y, known, level), known)
    if task == "super-resolution":
        y = noisy(shrink(truth, FACTOR, "bicubic"))
        loss = lambda level: SuperResolutionLoss(y, FACTOR, "bicubic", level)  # noqa: E731
        return Problem(task, first, truth, lambda x: shrink(x, FACTOR, "bicubic"), y, loss)
    kernel = gaussian_kernel(BLUR_SIZE, BLUR_STD)
    y = noisy(blur(truth, kernel))
    return Problem(task, first, truth, lambda x: blur(x, kernel), y, lambda level: DeblurLoss(y, kernel, level))


def adjoint(measure: Callable[[Tensor], Tensor], shape: torch.Size) -> Callable[[Tensor], Tensor]:
    """Aᵀ, for pictures of this shape."""

    def pull_back(y: Tensor) -> Tensor:
        with torch.enable_grad():
            x = torch.zeros(shape, dtype=y.dtype, requires_grad=True)
            return torch.autograd.grad(measure(x), x, y)[0]

    return pull_back
