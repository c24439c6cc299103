"""Similarity: how alike two pictures are in a network's eyes.

The tokens of a vision transformer (DINO: Caron et al. 2021, arXiv 2104.14294; DINOv2: Oquab et al. 2023, arXiv
2304.07193; CLIP) are compared by their directions: at each place, as in LPIPS (Zhang et al. 2018, arXiv 1801.03924)
without its learned weights; or their means, which say what is there and how it looks, wherever it is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .input_error import InputError
from .loss import repeat_reference, resized_reference
from .place import place_weights
from .style import TokenNetwork

COMPARISONS = ("overall", "place by place")


def token_weights(place: Tensor, tokens: int) -> Tensor:
    """The share of each token: `[B, 1, H, W]` of sum 1 → `[B, tokens, 1]` of sum 1.

    Raises:
        InputError: in one sentence, if the tokens form no square.
    """
    side = math.isqrt(tokens)
    if side**2 != tokens:
        raise InputError("this network's tokens form no square, so they have no places; leave out the place mask.")
    shares = F.interpolate(place, (side, side), mode="bilinear", antialias=True).flatten(2).mT
    return shares / shares.sum(1, keepdim=True)


@dataclass(frozen=True, eq=False)
class SimilarityLoss:
    """One minus the cosine of the picture's and the reference's tokens, from 0 to 2; the mean over the layers.

    Attributes:
        network: see `TokenNetwork`. It sees every picture stretched to its own square.
        reference: `[N, 3, H, W]` in [0, 1], N = 1 or one for each picture.
        layers: numbers of blocks, from 1.
        comparison: "overall", of the mean of the picture's tokens, in the place, and that of the whole reference; or
            "place by place", of each token in the place and that of the reference there.
        place: `[N, 1, H, W]` in [0, 1], not all 0. N as above. None: everywhere.
    """

    network: TokenNetwork
    reference: Tensor
    layers: tuple[int, ...]
    comparison: str = "overall"
    place: Tensor | None = None
    name: str = "similarity"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        reference = repeat_reference(self.reference, batch, "reference images").to(device)
        overall = self.comparison == "overall"
        if not overall:
            reference = resized_reference(reference, height, width)
        with torch.no_grad():
            wanted = self._directions(reference)
            if overall:
                wanted = [tokens.mean(1, keepdim=True) for tokens in wanted]
        place = None
        if self.place is not None:
            place = place_weights(self.place, batch, height, width, device).to(reference)

        def distance(images: Tensor) -> Tensor:
            each = []
            for found, asked in zip(self._directions(images), wanted):
                tokens = found.shape[1]
                shares = found.new_full((1, tokens, 1), 1 / tokens) if place is None else token_weights(place, tokens)
                if overall:
                    each.append(1 - F.cosine_similarity((shares * found).sum(1), asked[:, 0]))
                else:
                    each.append((shares[..., 0] * (1 - (found * asked).sum(-1))).sum(1))
            return torch.stack(each).mean(0)

        return distance

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures; outside the place they are grey, and so is a reference that is compared place by place."""
        batch, _, height, width = images.shape
        reference = self.reference.to(images)
        if self.place is None:
            return reference, images
        weights = place_weights(self.place, batch, height, width, images.device).to(images)
        mask = weights / weights.amax(dim=(2, 3), keepdim=True)
        if self.comparison != "overall":
            reference = resized_reference(repeat_reference(reference, batch, "reference images"), height, width)
            reference = mask * reference + (1 - mask) / 2
        return reference, mask * images + (1 - mask) / 2

    def _directions(self, images: Tensor) -> list[Tensor]:
        """The tokens of each layer, of length 1: `[B, tokens, width]`."""
        return [F.normalize(tokens, dim=-1) for tokens in self.network.image_tokens(images, self.layers)]
