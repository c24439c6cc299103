"""The gradient of the losses with respect to the noisy latent, through the denoiser.

With D the denoiser, J its Jacobian and L the loss of the decoded estimate, the chain is g = Jᵀ·v with v = ∂L/∂x̂_0.
v comes first and alone, loss by loss, each graph freed before the next begins, so the losses' memory does not add up.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .cost import LossCost, measured
from .loss_term import LossTerm
from .spherical import norm_per_sample, usable


class LossValue(NamedTuple):
    """value: of each sample, `[B]`, unweighted; cost: of this value and its gradient."""

    value: Tensor
    cost: LossCost


class GuidedEstimate(NamedTuple):
    """denoised and gradient: `[B, ...]` as x; losses: of each term."""

    denoised: Tensor
    gradient: Tensor
    losses: dict[str, LossValue]


def combine(gradients: Sequence[Tensor], weights: Sequence[float], balanced: bool) -> Tensor:
    """Σ w_i·g_i, of gradients `[B, ...]`; balanced: Σ w_i·g_i/‖g_i‖, so that the weights alone share out the say.

    The balanced sum is scaled back by the weighted mean of the norms, so that a loss alone counts as in the plain sum.
    Samples where a loss has no usable gradient leave that loss out.
    """
    if not balanced or len(gradients) == 1:
        return sum((weight * gradient for weight, gradient in zip(weights, gradients)), torch.zeros_like(gradients[0]))
    direction = torch.zeros_like(gradients[0])
    length = total = torch.zeros((), dtype=direction.dtype, device=direction.device)
    for weight, gradient in zip(weights, gradients):
        there = usable(gradient).view(-1, *[1] * (gradient.ndim - 1))
        norm = torch.where(there, norm_per_sample(gradient), 1)
        direction += torch.where(there, weight * gradient / norm, 0)
        length = length + torch.where(there, abs(weight) * norm, 0)
        total = total + torch.where(there, abs(weight), 0)
    return direction * length / total.clamp(min=torch.finfo(direction.dtype).tiny)


def estimate_gradient(
    denoised: Tensor, losses: Sequence[LossTerm], decode: Callable[[Tensor], Tensor], balanced: bool = False
) -> tuple[Tensor, dict[str, LossValue]]:
    """v = ∂L/∂x̂_0, of x̂_0's shape, L the weighted sum of the losses of the decoded estimate, and each term's value.

    balanced: see `combine`; the norms are those of the gradients at the picture.
    """
    latent = denoised.detach().requires_grad_()
    images = decode(latent)
    leaf = images.detach().float().requires_grad_()
    gradients, values = [], {}
    for term in losses:
        with measured(leaf.device) as cost:
            value = term.loss(leaf)
            gradients.append(torch.autograd.grad(value.sum(), leaf)[0])
        values[term.name] = LossValue(value.detach(), cost())
        del value
    total = combine(gradients, [term.weight for term in losses], balanced)
    return torch.autograd.grad(images, latent, total.to(images.dtype))[0], values


def exact_gradient(
    denoiser: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sigma: float,
    losses: Sequence[LossTerm],
    decode: Callable[[Tensor], Tensor],
    balanced: bool = False,
) -> GuidedEstimate:
    """Denoise x and back-propagate the losses to it: one forward and one backward pass of the denoiser.

    Args:
        denoiser: `(x [B, ...], sigma [B]) → denoised [B, ...]`, differentiable in x.
        x: `[B, ...]`, at noise level sigma.
        losses: at least one term.
        decode: latents `[B, ...]` → images in about [0, 1], `[B, 3, H, W]`, differentiable.
        balanced: whether each loss's gradient counts by its weight alone, whatever its size; see `combine`.

    Raises:
        RuntimeError: if the denoiser gives no gradient.
    """
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        denoised = denoiser(leaf, leaf.new_full([len(leaf)], sigma))
        v, values = estimate_gradient(denoised, losses, decode, balanced)
        (gradient,) = torch.autograd.grad(denoised, leaf, v.to(denoised.dtype))
    return GuidedEstimate(denoised.detach(), gradient, values)
