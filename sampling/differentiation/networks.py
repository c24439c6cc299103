"""The two networks that a gradient goes through, each in variants that agree."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .memory import Memory
from .replay import Remember, random_numbers

Denoiser = Callable[[Tensor, Tensor], Tensor]
Decoder = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Denoisers:
    """The denoiser, `(x [B, ...], sigma [B]) → denoised [B, ...]`.

    Attributes:
        plain: without a gradient.
        differentiable: differentiable in x. None: the plain one is.
        checkpointed: differentiable, but keeps the inputs of its blocks alone and computes the rest again as it goes
            backward. None: the differentiable one.
        precision: of its arithmetic.
        memory: of the device that it runs on.
        remember: what a second pass of the same step has to see again; see `replay`.
        tell: says to the user what they should know, in a sentence.
    """

    plain: Denoiser
    differentiable: Denoiser | None = None
    checkpointed: Denoiser | None = None
    precision: torch.dtype = torch.float32
    memory: Memory = field(default_factory=Memory)
    remember: Remember = random_numbers
    tell: Callable[[str], None] = logging.warning

    @classmethod
    def of(cls, denoiser: "Denoiser | Denoisers") -> "Denoisers":
        """The variants of a denoiser, which may be all there is."""
        return denoiser if isinstance(denoiser, Denoisers) else cls(denoiser)


@dataclass(frozen=True)
class Decoders:
    """The decoder, latents `[B, ...]` → images in about [0, 1], `[N, 3, H, W]`, differentiable. N is B, or B·frames.

    Attributes:
        plain: the fastest.
        sparing: keeps little for its gradient and computes it again. None: the plain one.
        tiled: nearly the same, with the least memory of all. None: there is no such way.
    """

    plain: Decoder
    sparing: Decoder | None = None
    tiled: Decoder | None = None

    @classmethod
    def of(cls, decoder: "Decoder | Decoders") -> "Decoders":
        """The variants of a decoder, which may be all there is."""
        return decoder if isinstance(decoder, Decoders) else cls(decoder)

    def each(self, change: Callable[[Decoder], Decoder]) -> "Decoders":
        """Each of the ways changed alike."""
        return Decoders(change(self.plain), self.sparing and change(self.sparing), self.tiled and change(self.tiled))


def levels(x: Tensor, sigma: float) -> Tensor:
    """The noise level of each sample, `[B]`."""
    return x.new_full([len(x)], sigma)
