"""The gradient of the losses with respect to the noisy latent, through the denoiser.

With D the denoiser, J its Jacobian and L the loss of the decoded estimate, the chain is g = Jᵀ·v with v = ∂L/∂x̂_0.
v comes first and alone, loss by loss, each graph freed before the next begins, so the losses' memory does not add up.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .loss_term import LossTerm


class GuidedEstimate(NamedTuple):
    """denoised and gradient: `[B, ...]` as x; losses: each term's value per sample, `[B]`, unweighted."""

    denoised: Tensor
    gradient: Tensor
    losses: dict[str, Tensor]


def estimate_gradient(
    denoised: Tensor, losses: Sequence[LossTerm], decode: Callable[[Tensor], Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """v = ∂(Σ weight·loss(decode(x̂_0)))/∂x̂_0, of x̂_0's shape, and each term's values."""
    latent = denoised.detach().requires_grad_()
    images = decode(latent)
    leaf = images.detach().float().requires_grad_()
    total, values = torch.zeros_like(leaf), {}
    for term in losses:
        value = term.loss(leaf)
        values[term.name] = value.detach()
        total += term.weight * torch.autograd.grad(value.sum(), leaf)[0]
    return torch.autograd.grad(images, latent, total.to(images.dtype))[0], values


def exact_gradient(
    denoiser: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sigma: float,
    losses: Sequence[LossTerm],
    decode: Callable[[Tensor], Tensor],
) -> GuidedEstimate:
    """Denoise x and back-propagate the losses to it: one forward and one backward pass of the denoiser.

    Args:
        denoiser: `(x [B, ...], sigma [B]) → denoised [B, ...]`, differentiable in x.
        x: `[B, ...]`, at noise level sigma.
        losses: at least one term.
        decode: latents `[B, ...]` → images in about [0, 1], `[B, 3, H, W]`, differentiable.

    Raises:
        RuntimeError: if the denoiser gives no gradient.
    """
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        denoised = denoiser(leaf, leaf.new_full([len(leaf)], sigma))
        v, values = estimate_gradient(denoised, losses, decode)
        (gradient,) = torch.autograd.grad(denoised, leaf, v.to(denoised.dtype))
    return GuidedEstimate(denoised.detach(), gradient, values)
