"""The exact gradient of the losses with respect to the noisy latent, by itself.

With D the denoiser, J its Jacobian and L the loss of the decoded estimate, the chain is g = Jᵀ·v with v = ∂L/∂x̂_0.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from .differentiation.differentiator import Differentiator, GradientMode
from .differentiation.networks import Decoder, Decoders, Denoiser, Denoisers
from .estimate import LossValue, estimate_gradient
from .loss_term import LossTerm


class Gradient(NamedTuple):
    """denoised and gradient: `[B, ...]` as x; losses: of each term."""

    denoised: Tensor
    gradient: Tensor
    losses: dict[str, LossValue]


def loss_gradient(
    denoiser: Denoiser | Denoisers,
    x: Tensor,
    sigma: float,
    losses: Sequence[LossTerm],
    decode: Decoder,
    balanced: bool = False,
    mode: GradientMode = "exact",
) -> Gradient:
    """Denoise x and differentiate the losses of the decoded estimate with respect to it.

    Args:
        denoiser: `(x [B, ...], sigma [B]) → denoised [B, ...]`.
        x: `[B, ...]`, at noise level sigma.
        losses: at least one term; their floors do not count.
        decode: latents `[B, ...]` → images in about [0, 1], `[B, 3, H, W]`, differentiable.
        balanced: whether each loss's gradient counts by its weight alone, whatever its size; see `balance`.
        mode: one of `GRADIENT_MODES`.

    Raises:
        RuntimeError: if the mode needs the denoiser's gradient and there is none.
    """
    terms = [replace(term, floor=None) for term in losses]

    def gradient(differentiator: Differentiator) -> Gradient:
        denoised, pull_back, _ = differentiator.denoise(x, sigma)
        at_estimate = estimate_gradient(denoised, terms, differentiator.decode, balanced)
        return Gradient(denoised, pull_back(at_estimate.v), at_estimate.losses)

    return Differentiator(Denoisers.of(denoiser), Decoders(decode), mode).run(gradient)
