"""Classes: what a classifier sees on the picture.

Dhariwal and Nichol, NeurIPS 2021, arXiv 2105.05233, guide by a classifier of noisy pictures; Ye et al., "TFG", NeurIPS
2024, arXiv 2409.15761, by one of clean pictures on the estimate.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, eq=False)
class ClassifierLoss:
    """−log p of the classes that are asked for, together: that the picture shows one of them.

    Attributes:
        network: pictures `[B, 3, H, W]` in [0, 1] → logits `[B, classes]`.
        classes: `[K]`, int64, K ≥ 1: their numbers.
        text: what is asked for, in words.
    """

    network: nn.Module
    classes: Tensor
    text: str = ""
    name: str = "class"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        classes = self.classes.to(device)
        return lambda images: -F.log_softmax(self.network(images), dim=1)[:, classes].logsumexp(1)

    def compared(self, images: Tensor) -> tuple[str, Tensor]:
        """The pictures: the classifier sees all of them."""
        return self.text, images
