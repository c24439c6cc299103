"""Style by a descriptor that was trained to know it: CSD, Somepalli et al. 2024, arXiv 2404.01292."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .networks.csd import CsdNetwork


@dataclass(frozen=True, eq=False)
class StyleDescriptorLoss:
    """One minus the cosine of the picture's style and that of the references, from 0 to 2.

    Attributes:
        network: a CSD.
        references: one or several pictures of the style, `[N, 3, H, W]` in [0, 1]; their descriptors are averaged.
    """

    network: CsdNetwork
    references: Tensor
    name: str = "style"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        with torch.no_grad():
            wanted = F.normalize(self.network.styles(self.references.to(device)).mean(0), dim=0)
        return lambda images: 1 - self.network.styles(images) @ wanted

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures: their descriptors cannot be looked at."""
        return self.references, images
