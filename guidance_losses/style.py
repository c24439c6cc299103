"""Style: the Gram matrices of a CLIP image tower's shallow tokens.

Yu et al., "FreeDoM", ICCV 2023, arXiv 2303.09833, and Yang et al., ICML 2024, arXiv 2402.03201, take the third block of
ViT-B/16, the class token dropped. A Gram matrix (Gatys et al. 2015, arXiv 1508.06576) sums over all places, so it
carries no layout.

Nearly all of such a matrix lies in a few directions, those of the colours of the largest surfaces. In its logarithm
(Arsigny et al. 2006, "Log-Euclidean metrics for fast and simple calculus on diffusion tensors") every direction counts
by the ratio of strengths, so strokes count as surfaces do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from .loss import norm

STYLE_DISTANCES = ("log-Gram", "Gram")
FLOOR = 1e-3  # added to all eigenvalues before the logarithm, as a share of the references' mean one


class TokenNetwork(Protocol):
    """A CLIP's image tower. `layers`: how many blocks it has."""

    layers: int

    def image_tokens(self, images: Tensor, layers: tuple[int, ...]) -> list[Tensor]:
        """Pictures `[B, 3, H, W]` in [0, 1] → what these blocks (from 1) give, `[B, tokens, width]` each."""


def gram(tokens: Tensor) -> Tensor:
    """`[B, tokens, width] → [B, width, width]`, the mean over the tokens of their outer products."""
    return tokens.mT @ tokens / tokens.shape[1]


def log_matrix(matrix: Tensor, floor: float) -> Tensor:
    """log(M + floor·I) of symmetric, positive semidefinite matrices, `[B, n, n]`. NaN where M is not finite."""
    return _LogMatrix.apply(matrix, floor)


class _LogMatrix(torch.autograd.Function):
    """PyTorch's gradient of an eigendecomposition divides by zero where eigenvalues are equal, and a picture has fewer
    tokens than directions. That of the logarithm itself (Daleckii and Krein 1965) is finite.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, floor: float) -> Tensor:
        finite = matrix.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
        values, vectors = torch.linalg.eigh(torch.where(finite, matrix, 0))
        values = values.clamp(min=0) + floor
        ctx.save_for_backward(values, vectors)
        return torch.where(finite, (vectors * values.log().unsqueeze(-2)) @ vectors.mT, torch.nan)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        values, vectors = ctx.saved_tensors
        a, b = values.unsqueeze(-1), values.unsqueeze(-2)
        excess = (a - b) / b
        near = excess.abs() < 1e-3
        # (log a − log b) / (a − b), and where a is near b its limit.
        slope = torch.where(near, 2 / (a + b), excess.log1p() / torch.where(near, 1, excess) / b)
        return vectors @ (slope * (vectors.mT @ gradient @ vectors)) @ vectors.mT, None


@dataclass(frozen=True, eq=False)
class StyleLoss:
    """Distance between the picture's Gram matrices and those of the reference pictures.

    Attributes:
        network: see `TokenNetwork`.
        references: one or several pictures of the style, `[N, 3, H, W]` in [0, 1]; their matrices are averaged.
        layers: numbers of blocks, from 1.
        distance: "Gram", of the matrices, as in the papers; or "log-Gram", of their logarithms.
    """

    network: TokenNetwork
    references: Tensor
    layers: tuple[int, ...] = (3,)
    distance: str = "log-Gram"
    name: str = "style"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        """The Frobenius norms of the differences, summed over the layers, per sample."""
        with torch.no_grad():
            tokens = self.network.image_tokens(self.references.to(device), self.layers)
            measures = [self._measure(gram(each)) for each in tokens]
            wanted = [measure(gram(each)).mean(0, keepdim=True) for measure, each in zip(measures, tokens)]

        def distance(images: Tensor) -> Tensor:
            tokens = self.network.image_tokens(images, self.layers)
            found = [measure(gram(each)) for measure, each in zip(measures, tokens)]
            return torch.stack([norm(a - b) for a, b in zip(found, wanted)]).sum(0)

        return distance

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures: their Gram matrices cannot be looked at."""
        return self.references, images

    def _measure(self, references: Tensor) -> Callable[[Tensor], Tensor]:
        """What is compared, of one layer: Gram matrix `[B, n, n]` → the same shape."""
        if self.distance == "Gram":
            return lambda matrix: matrix
        floor = FLOOR * float(references.diagonal(dim1=1, dim2=2).mean())
        return lambda matrix: log_matrix(matrix, floor)
