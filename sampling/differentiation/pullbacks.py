"""Four ways to the product of a vector with the denoiser's Jacobian, Jᵀ·v, at their own costs.

Each denoises x and gives the estimate x̂_0 with a function v → Jᵀ·v, so that the losses of x̂_0 are worked through
between the two. `again` is the context of a second pass of the same step (see `replay`). With f and b a forward and a
backward pass of the denoiser:

    exact               f + b       keeps the whole graph while the losses are worked through
    low memory          3 f + b     keeps no graph meanwhile, and one block's at a time after
    finite difference   2 f         keeps no graph at all, needs none
    none                f           v itself
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..per_sample import norm_per_sample
from .half_precision import HALF, product
from .networks import Denoiser, Denoisers, levels
from .replay import Again

Pullback = Callable[[Tensor], Tensor]

# δ / ‖x‖ of the finite difference, by the precision that the denoiser computes in: large enough that rounding does not
# drown the difference. In float32 anything from 0.003 to 0.1 gives the same cosine to the exact gradient.
RELATIVE_STEPS = {torch.float16: 0.05, torch.bfloat16: 0.1}
RELATIVE_STEP = 0.01


def exact(denoisers: Denoisers, x: Tensor, sigma: float, again: Again) -> tuple[Tensor, Pullback]:
    """Back-propagation.

    Raises:
        RuntimeError: from the denoiser or the pullback, if there is no gradient.
    """
    leaf, denoised = _graph(denoisers.differentiable or denoisers.plain, x, sigma)
    held = [(leaf, denoised)]

    def graph() -> tuple[Tensor, Tensor]:
        if held:
            return held.pop()
        with again():
            return _graph(denoisers.differentiable or denoisers.plain, x, sigma)

    return denoised.detach(), lambda v: product(graph, v, len(x), denoisers.precision in HALF)


def low_memory(denoisers: Denoisers, x: Tensor, sigma: float, again: Again) -> tuple[Tensor, Pullback]:
    """Back-propagation, block by block, through a second pass that begins when v is known."""
    differentiable = denoisers.differentiable or denoisers.plain

    def graph() -> tuple[Tensor, Tensor]:
        with again():
            return _graph(denoisers.checkpointed or differentiable, x, sigma)

    with torch.no_grad():
        denoised = differentiable(x, levels(x, sigma))
    return denoised, lambda v: product(graph, v, len(x), denoisers.precision in HALF)


def finite_difference(denoisers: Denoisers, x: Tensor, sigma: float, again: Again) -> tuple[Tensor, Pullback]:
    """J·v ≈ ‖v‖·(D(x + δ·v/‖v‖) − D(x)) / δ, sample by sample.

    The Jacobian of an ideal denoiser is symmetric: x̂_0 = (x + σ²·∇log p(x)) / α, so J = (I + σ²·∇²log p(x)) / α. That
    of a trained one is so only roughly, which costs more than the size of δ does.
    """
    with torch.no_grad():
        denoised = denoisers.plain(x, levels(x, sigma))

    def pull_back(v: Tensor) -> Tensor:
        delta = RELATIVE_STEPS.get(denoisers.precision, RELATIVE_STEP)
        return norm_per_sample(v) * slope(denoisers.plain, again, x, sigma, denoised, v, delta)

    return denoised, pull_back


def slope(
    denoiser: Denoiser, again: Again, x: Tensor, sigma: float, denoised: Tensor, v: Tensor, relative_step: float
) -> Tensor:
    """J·v/‖v‖ ≈ (D(x + δ·v/‖v‖) − D(x)) / δ, by one pass of a denoiser that sees what the first one saw.

    Args:
        relative_step: δ / ‖x‖.
    """
    length = norm_per_sample(v)
    unit = torch.where(length > 0, v / length, 0)
    delta = relative_step * norm_per_sample(x)
    with torch.no_grad(), again():
        moved = denoiser(x + delta * unit, levels(x, sigma))
    return (moved - denoised) / delta


def none(denoisers: Denoisers, x: Tensor, sigma: float, again: Again) -> tuple[Tensor, Pullback]:
    """J taken for the identity."""
    with torch.no_grad():
        return denoisers.plain(x, levels(x, sigma)), lambda v: v


def _graph(denoiser: Denoiser, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """x that wants a gradient, and its estimate."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        return leaf, denoiser(leaf, levels(leaf, sigma))
