"""The losses of the estimate x̂_0, and their gradient there.

The gradient v = ∂L/∂x̂_0 is found loss by loss, each graph freed before the next begins, so the losses' memory does not
add up.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .cost import LossCost, measured
from .half_precision import LOSS_FACTORS, product
from .loss_term import LossTerm
from .saved_tensors import is_overwritten
from .spherical import norm_per_sample, usable


class LossValue(NamedTuple):
    """value: of each sample, `[B]`, unweighted; cost: of this value and its gradient."""

    value: Tensor
    cost: LossCost


class EstimateGradient(NamedTuple):
    """v: ∂L/∂x̂_0, of x̂_0's shape; excess: L over its floor, `[B]`, in the units of v; losses: of each term; factors:
    each term's share in L (see `shares`), none where several estimates went into v."""

    v: Tensor
    excess: Tensor
    losses: dict[str, LossValue]
    factors: Sequence[Tensor] = ()


def per_sample(values: Tensor, like: Tensor) -> Tensor:
    """`[B] → [B, 1, ...]`, to multiply with like."""
    return values.view(-1, *[1] * (like.ndim - 1))


def shares(gradients: Sequence[Tensor], weights: Sequence[float], balanced: bool) -> list[Tensor]:
    """The factor of each loss in the sum, for each sample, `[B]`: w_i; balanced: w_i / ‖g_i‖.

    Balanced factors are scaled by the weighted mean of the norms, so that a loss alone counts as in the plain sum. A
    loss without a usable gradient is left out, sample by sample.
    """
    if not balanced or len(gradients) == 1:
        return [gradient.new_full([len(gradient)], weight) for weight, gradient in zip(weights, gradients)]
    there = [usable(gradient) for gradient in gradients]
    norms = [torch.where(u, norm_per_sample(gradient).flatten(), 1) for u, gradient in zip(there, gradients)]
    length, total = torch.zeros_like(norms[0]), torch.zeros_like(norms[0])
    for u, weight, norm in zip(there, weights, norms):
        length = length + torch.where(u, abs(weight) * norm, 0)
        total = total + abs(weight) * u
    mean = length / total.clamp(min=torch.finfo(total.dtype).tiny)
    return [torch.where(u, weight * mean / norm, 0) for u, weight, norm in zip(there, weights, norms)]


def combine(gradients: Sequence[Tensor], weights: Sequence[float], balanced: bool) -> Tensor:
    """The gradient of all losses together, `[B, ...]`: each one's own by its share; see `shares`."""
    return weighted_sum(gradients, shares(gradients, weights, balanced))


def weighted_sum(gradients: Sequence[Tensor], factors: Sequence[Tensor]) -> Tensor:
    """Σ factor_i·g_i; a factor of 0 leaves out even what is not finite."""
    total = torch.zeros_like(gradients[0])
    for gradient, factor in zip(gradients, factors):
        factor = per_sample(factor, gradient)
        total = total + torch.where(factor == 0, 0, factor * gradient)
    return total


def value_and_gradient(term: LossTerm, images: Tensor) -> tuple[Tensor, Tensor, LossCost]:
    """A loss of images that want a gradient: `[B]`, of the images' shape, and the cost of both.

    Raises:
        ValueError: in one sentence, if the loss overwrites what its gradient needs.
    """
    try:
        with measured(images.device) as cost:
            for factor in LOSS_FACTORS:
                value = term.loss(images)
                (gradient,) = torch.autograd.grad(value.sum() * factor, images)
                gradient = gradient / factor
                if gradient.isfinite().all() or not value.isfinite().all():
                    break
    except RuntimeError as error:
        if not is_overwritten(error):
            raise
        raise ValueError(
            f"DSG: the loss '{term.name}' changes in place what its gradient needs; it must compute new tensors "
            "instead (y = y + 1 for y += 1, and networks without inplace=True)."
        ) from error
    return value.detach(), gradient, cost()


def estimate_gradient(
    denoised: Tensor,
    losses: Sequence[LossTerm],
    decode: Callable[[Tensor], Tensor],
    balanced: bool = False,
    above_floor: bool = False,
) -> EstimateGradient:
    """The gradient of the losses of the decoded estimate.

    Args:
        denoised: x̂_0, `[B, ...]`.
        losses: at least one term.
        decode: latents `[B, ...]` → images in about [0, 1], `[B, 3, H, W]`, differentiable.
        balanced: see `shares`; the norms are those of the gradients at the picture.
        above_floor: a loss counts by what it exceeds its floor, and not at all below it.
    """
    with torch.enable_grad():
        images = _decoded(denoised, decode)
        held = [images]
        leaf = images[1].detach().to(torch.promote_types(images[1].dtype, torch.float32)).requires_grad_()
        gradients, excesses, values = [], [], {}
        for term in losses:
            value, gradient, cost = value_and_gradient(term, leaf)
            excess = _excess(term, value, above_floor)
            if above_floor:
                gradient = torch.where(per_sample(excess == 0, gradient), 0, gradient)
            gradients.append(gradient)
            excesses.append(excess)
            values[term.name] = LossValue(value, cost)
        factors = shares(gradients, [term.weight for term in losses], balanced)
        total = weighted_sum(gradients, factors)
        del images
        v = product(lambda: held.pop() if held else _decoded(denoised, decode), total, len(denoised))
    return EstimateGradient(v, _summed(excesses, factors, len(denoised)), values, factors)


def estimate_value(
    denoised: Tensor,
    losses: Sequence[LossTerm],
    decode: Callable[[Tensor], Tensor],
    factors: Sequence[Tensor],
    above_floor: bool = False,
) -> Tensor:
    """What `estimate_gradient` differentiates, `[B]`, with the factors that it found elsewhere."""
    with torch.no_grad():
        images = decode(denoised)
        images = images.to(torch.promote_types(images.dtype, torch.float32))
        excesses = [_excess(term, term.loss(images), above_floor) for term in losses]
        return _summed(excesses, factors, len(denoised))


def _decoded(denoised: Tensor, decode: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The estimate, wanting a gradient, and its pictures."""
    with torch.enable_grad():
        latent = denoised.detach().requires_grad_()
        return latent, decode(latent)


def _excess(term: LossTerm, value: Tensor, above_floor: bool) -> Tensor:
    return (value - term.floor).clamp(min=0) if above_floor else value


def _summed(excesses: Sequence[Tensor], factors: Sequence[Tensor], samples: int) -> Tensor:
    """`[samples]`: a video's frames count together."""
    return weighted_sum(excesses, factors).view(samples, -1).sum(1)


def smoothed_gradient(
    denoised: Tensor,
    shifts: Sequence[Tensor],
    gradient_at: Callable[[Tensor], EstimateGradient],
) -> EstimateGradient:
    """The gradient of −log of the mean of exp(−L) over x̂_0 plus each of the shifts: Σ softmax(−L_k)·v_k.

    Losses are reported as their mean over the draws. Without shifts: the gradient at x̂_0 itself.
    """
    if not shifts:
        return gradient_at(denoised)
    draws = [gradient_at(denoised + shift) for shift in shifts]
    excesses = torch.stack([draw.excess for draw in draws], dim=1)
    likely = torch.stack(
        [torch.softmax(-sample, 0) for sample in excesses]
    )  # one by one: exp rounds by the batch's size
    values = {
        name: LossValue(
            torch.stack([draw.losses[name].value for draw in draws]).mean(0),
            LossCost(
                sum(draw.losses[name].cost.seconds for draw in draws),
                max(draw.losses[name].cost.megabytes for draw in draws),
            ),
        )
        for name in draws[0].losses
    }
    v = weighted_sum([draw.v for draw in draws], likely.to(denoised.dtype).unbind(1))
    return EstimateGradient(v, weighted_sum(list(excesses.unbind(1)), likely.unbind(1)), values)
