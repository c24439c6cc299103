"""Style: the Gram matrices of a CLIP image tower's shallow tokens.

Yu et al., "FreeDoM", ICCV 2023, arXiv 2303.09833, and Yang et al., ICML 2024, arXiv 2402.03201, take the third block of
ViT-B/16, the class token dropped. A Gram matrix (Gatys et al. 2016) sums over all places, so it carries no layout.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .loss import norm


class TokenNetwork(Protocol):
    """A CLIP's image tower. `layers`: how many blocks it has."""

    layers: int

    def image_tokens(self, images: Tensor, layers: tuple[int, ...]) -> list[Tensor]:
        """Pictures `[B, 3, H, W]` in [0, 1] → what these blocks (from 1) give, `[B, tokens, width]` each."""


def gram(tokens: Tensor, centred: bool) -> Tensor:
    """`[B, tokens, width] → [B, width, width]`, the mean over the tokens of their outer products.

    centred: without the picture's mean token, so that only what varies within the picture counts.
    """
    if centred:
        tokens = tokens - tokens.mean(1, keepdim=True)
    return tokens.mT @ tokens / tokens.shape[1]


@dataclass(frozen=True, eq=False)
class StyleLoss:
    """Distance between the picture's Gram matrices and those of the reference pictures.

    Attributes:
        network: see `TokenNetwork`.
        references: one or several pictures of the style, `[1, 3, H, W]` in [0, 1] each; their matrices are averaged.
        layers: numbers of blocks, from 1.
        centred: see `gram`. A mean token tells most of what the picture is of and of its main colour.
    """

    network: TokenNetwork
    references: Tensor
    layers: tuple[int, ...] = (3,)
    centred: bool = False
    name: str = "style"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """The Frobenius norms of the differences, summed over the layers, per sample."""
        with torch.no_grad():
            tokens = self.network.image_tokens(self.references.to(device), self.layers)
        wanted = [gram(each, self.centred).mean(0, keepdim=True) for each in tokens]

        def distance(images: Tensor) -> Tensor:
            found = [gram(each, self.centred) for each in self.network.image_tokens(images, self.layers)]
            return torch.stack([norm(a - b) for a, b in zip(found, wanted)]).sum(0)

        return distance
