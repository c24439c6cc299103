"""Decoding pictures that go on at their other side: a decoder sees beyond the border what lies at the other one."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..guidance_losses import RingLoss
from ..sampling import Decoders
from .conditioning import CarriedLoss

BORDER = 8  # of a latent, each way
Sides = tuple[bool, bool]  # from top to bottom, from left to right

RING = (
    "DSG: the losses saw the picture decoded as one that goes on at its other side; decode the result with the "
    "Seamless VAE Decode node, so that it is that picture."
)


def with_border(latent: Tensor, sides: Sides) -> Tensor:
    """The latent with what lies at its other side: `[..., H, W] → [..., H + 16, W + 16]`, where it goes on."""
    for dim, goes_on in zip((-2, -1), sides):
        if goes_on:
            length = latent.shape[dim]
            places = torch.arange(-BORDER, length + BORDER, device=latent.device) % length
            latent = latent.index_select(dim, places)
    return latent


def inside_border(pictures: Tensor, sides: Sides, scale: int) -> Tensor:
    """Pictures `[..., H, W]` without the border of a latent whose places are `scale` pixels each way."""
    top, left = (BORDER * scale if goes_on else 0 for goes_on in sides)
    height, width = pictures.shape[-2:]
    return pictures[..., top : height - top, left : width - left]


def ring_decoders(decoders: Decoders, sides: Sides, scale: int) -> Decoders:
    """The same ways to decode, of pictures that go on at their other side."""

    def ring(decode: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda latent: inside_border(decode(with_border(latent, sides)), sides, scale)

    return decoders.each(ring)


def ring_sides(losses: Sequence[CarriedLoss]) -> Sides:
    """Where one of the losses wants pictures that go on at their other side."""
    asked = [loss.applied.loss.wraps for loss in losses if isinstance(loss.applied.loss, RingLoss)]
    return any(rows for rows, _ in asked), any(columns for _, columns in asked)


def decode_ring(vae: Any, latent: Tensor, sides: Sides) -> Tensor:
    """What the host's VAE Decode gives, IMAGE `[N, H, W, C]`, of a picture that goes on at its other side."""
    bordered = with_border(latent, sides)
    pictures = vae.decode(bordered)
    scale = pictures.shape[-2] // bordered.shape[-1]
    pictures = pictures.reshape(-1, *pictures.shape[-3:])  # frames of videos
    return inside_border(pictures.movedim(-1, 1), sides, scale).movedim(1, -1)
