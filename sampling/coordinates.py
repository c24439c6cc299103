"""The papers' coordinates: variance preserving latents, `x^VP = sqrt(ᾱ)·x_0 + sqrt(1 − ᾱ)·noise`.

A latent of ours, `x = α·x_0 + σ·noise`, is x^VP / a with a = 1 / sqrt(α² + σ²). A gradient with respect to x is a times
the one with respect to x^VP, and a step of length ℓ in x^VP is one of ℓ / a in x. The estimate x̂_0 is the same in both.
"""

from .posterior import alpha


def vp_scale(sigma: float, flow: bool) -> float:
    """a = 1 / sqrt(α² + σ²)."""
    return (alpha(sigma, flow) ** 2 + sigma**2) ** -0.5


def alpha_bar(sigma: float, flow: bool) -> float:
    """ᾱ = (a·α)²: the share of the picture in the variance preserving latent, in [0, 1]."""
    return (vp_scale(sigma, flow) * alpha(sigma, flow)) ** 2
