"""The losses of the estimate x̂_0, and their gradient there.

The gradient v = ∂L/∂x̂_0 is found loss by loss, each graph freed before the next begins, so the losses' memory does not
add up.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .balance import shares, weighted_sum
from .differentiation.cost import LossCost, measured
from .differentiation.half_precision import LOSS_FACTORS, product
from .differentiation.memory import is_out_of_memory
from .differentiation.networks import Decoder
from .differentiation.saved_tensors import is_overwritten
from .loss_error import FAILURES, LossError, one_each, own_error
from .loss_term import LossTerm
from .per_sample import per_sample

NO_GRADIENT = (
    "gives no gradient, so it cannot guide: its value does not come from the picture by PyTorch's operations; compute "
    "it without no_grad, detach, item and other libraries."
)


class LossValue(NamedTuple):
    """value: of each sample, `[B]`, unweighted; cost: of this value and its gradient, where it was measured."""

    value: Tensor
    cost: LossCost | None = None


class EstimateGradient(NamedTuple):
    """The losses at an estimate x̂_0, summed to L.

    v: ∂L/∂x̂_0, of x̂_0's shape; excess: what counts of L (see `LossTerm`), and noise_level: of the measurements, both
    `[B]` in the units of v; losses: of each term; factors: each term's share in L (see `shares`), none where several
    estimates went into v.
    """

    v: Tensor
    excess: Tensor
    noise_level: Tensor
    losses: dict[str, LossValue]
    factors: Sequence[Tensor] = ()


def value_and_gradient(term: LossTerm, images: Tensor, samples: int, measure: bool = False) -> tuple[LossValue, Tensor]:
    """A loss of images that want a gradient, and its gradient, of the images' shape.

    Args:
        images: `[N, 3, H, W]`.
        samples: how many they are: N, or fewer where each is the frames of a video.
        measure: whether the cost of both is measured, which takes a little time itself.

    Raises:
        LossError: in one sentence, if the loss fails, gives anything but a value a sample, has no gradient, or
            overwrites what its gradient needs.
    """
    try:
        with measured(images.device) if measure else contextlib.nullcontext(lambda: None) as cost:
            for factor in LOSS_FACTORS:
                value = one_each(term.name, term.loss(images), samples)
                gradient = _gradient(term, value.sum() * factor, images) / factor
                if gradient.isfinite().all() or not value.isfinite().all():
                    break
    except FAILURES as error:
        if is_out_of_memory(error) or isinstance(error, LossError):
            raise
        if not is_overwritten(error):
            raise own_error(term.name, error) from error
        raise LossError(
            term.name,
            "changes in place what its gradient needs; it must compute new tensors instead (y = y + 1 for y += 1, and "
            "networks without inplace=True).",
        ) from error
    return LossValue(value.detach(), cost()), gradient


def _gradient(term: LossTerm, total: Tensor, images: Tensor) -> Tensor:
    """Raises LossError if the term's total does not hang on the images."""
    gradient = torch.autograd.grad(total, images, allow_unused=True)[0] if total.requires_grad else None
    if gradient is None:
        raise LossError(term.name, NO_GRADIENT)
    return gradient


def estimate_gradient(
    denoised: Tensor, losses: Sequence[LossTerm], decode: Decoder, balanced: bool = False, measure: bool = False
) -> EstimateGradient:
    """The gradient of the losses of the decoded estimate.

    Args:
        denoised: x̂_0, `[B, ...]`.
        losses: at least one term.
        decode: latents `[B, ...]` → images in about [0, 1], `[B or B·frames, 3, H, W]`, differentiable.
        balanced: see `shares`; the norms are those of the gradients at the picture.
        measure: see `value_and_gradient`.
    """
    samples = len(denoised)
    with torch.enable_grad():
        images = _decoded(denoised, decode)
        held = [images]
        leaf = images[1].detach().to(torch.promote_types(images[1].dtype, torch.float32)).requires_grad_()
        gradients, excesses, values = [], [], {}
        for term in losses:
            values[term.name], gradient = value_and_gradient(term, leaf, samples, measure)
            gradient = gradient.view(samples, -1, *gradient.shape[2:])  # a video's frames count together
            excess = term.excess(values[term.name].value)
            counts = per_sample(term.counts(excess), gradient)
            gradients.append(torch.where(counts, gradient, 0))
            excesses.append(excess)
        factors = shares(gradients, [term.weight for term in losses], balanced)
        total = weighted_sum(gradients, factors).view_as(leaf)
        del images
        v = product(lambda: held.pop() if held else _decoded(denoised, decode), total, samples)
    noise = weighted_sum([torch.full_like(factor, term.noise_level) for term, factor in zip(losses, factors)], factors)
    return EstimateGradient(v, weighted_sum(excesses, factors), noise, values, factors)


def estimate_value(denoised: Tensor, losses: Sequence[LossTerm], decode: Decoder, factors: Sequence[Tensor]) -> Tensor:
    """What `estimate_gradient` differentiates, `[B]`, with the factors that it found elsewhere."""
    with torch.no_grad():
        images = decode(denoised)
        images = images.to(torch.promote_types(images.dtype, torch.float32))
        excesses = [term.excess(term.loss(images)) for term in losses]
        return weighted_sum(excesses, factors)


def smoothed_gradient(
    denoised: Tensor, shifts: Sequence[Tensor], gradient_at: Callable[[Tensor], EstimateGradient]
) -> EstimateGradient:
    """The gradient of −log of the mean of exp(−L) over x̂_0 plus each of the shifts: Σ softmax(−L_k)·v_k.

    Losses are reported as their mean over the draws. Without shifts: the gradient at x̂_0 itself.
    """
    if not shifts:
        return gradient_at(denoised)
    draws = [gradient_at(denoised + shift) for shift in shifts]
    excesses = torch.stack([draw.excess for draw in draws], dim=1)
    # One by one, because exp rounds by the batch's size.
    likely = torch.stack([torch.softmax(-sample, 0) for sample in excesses]).to(denoised.dtype).unbind(1)
    v = weighted_sum([draw.v for draw in draws], likely)
    excess, noise_level = (
        weighted_sum(list(numbers), likely) for numbers in zip(*((draw.excess, draw.noise_level) for draw in draws))
    )
    values = {name: _mean([draw.losses[name] for draw in draws]) for name in draws[0].losses}
    return EstimateGradient(v, excess, noise_level, values)


def _decoded(denoised: Tensor, decode: Decoder) -> tuple[Tensor, Tensor]:
    """The estimate, wanting a gradient, and its pictures."""
    with torch.enable_grad():
        latent = denoised.detach().requires_grad_()
        return latent, decode(latent)


def _mean(values: Sequence[LossValue]) -> LossValue:
    """The mean of several values of one loss; costs add up, but for the memory, which is taken again each time."""
    mean = torch.stack([value.value for value in values]).mean(0)
    costs = [value.cost for value in values if value.cost]
    if not costs:
        return LossValue(mean)
    return LossValue(mean, LossCost(sum(cost.seconds for cost in costs), max(cost.megabytes for cost in costs)))
