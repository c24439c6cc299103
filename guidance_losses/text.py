"""Text: how well the picture fits a sentence, by a CLIP.

Bansal et al., "Universal Guidance", 2023, arXiv 2302.07121, and Yang et al., ICML 2024, arXiv 2402.03201. CLIP's
gradient alone paints patterns that only CLIP sees; averaged over random cut-outs of the picture (Crowson et al. 2022,
arXiv 2204.08583) it is about the picture.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.utils import make_grid

from .networks.clip import ClipNetwork

LEAST_SIDE = 0.7  # of a cut-out, as a share of the picture's shorter side


def cut_outs(images: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Random squares of pictures `[B, 3, H, W]`, resized to the shorter side S: `[count·B, 3, S, S]`, one by one.

    The first is the whole picture, stretched to a square. All pictures are cut alike, so that a picture does not depend
    on its neighbours.
    """
    height, width = images.shape[-2:]
    short = min(height, width)
    parts = [F.interpolate(images, (short, short), mode="bicubic", antialias=True) if height != width else images]
    for _ in range(count - 1):
        size, right, down = torch.rand(3, generator=generator).tolist()
        side = short * (LEAST_SIDE + (1 - LEAST_SIDE) * size)
        x, y = side / width, side / height
        place = torch.tensor([[x, 0, (1 - x) * (2 * right - 1)], [0, y, (1 - y) * (2 * down - 1)]])
        grid = F.affine_grid(place.expand(len(images), 2, 3), [len(images), 3, short, short], align_corners=False)
        parts.append(F.grid_sample(images, grid.to(images), padding_mode="border", align_corners=False))
    return torch.cat(parts)


@dataclass(frozen=True, eq=False)
class TextLoss:
    """One minus the cosine of picture and text, averaged over cut-outs; that of what is not wanted counts against it.

    Attributes:
        network: a CLIP.
        text: what the picture is to show.
        negative: what it is not to show; empty for nothing.
        count: cut-outs a step, the whole picture among them.
        seed: of the cut-outs.
    """

    network: ClipNetwork
    text: str
    negative: str = ""
    count: int = 4
    seed: int = 0
    name: str = "text"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        with torch.no_grad():
            texts = self.network.encode_texts([self.text, *([self.negative] if self.negative else [])])
        wanted = texts[0] - (texts[1] if self.negative else 0)
        generator = torch.Generator().manual_seed(self.seed)

        def distance(images: Tensor) -> Tensor:
            features = self.network.encode_images(cut_outs(images, self.count, generator))
            return 1 - (features @ wanted).view(self.count, -1).mean(0)

        return distance

    def compared(self, images: Tensor) -> tuple[str, Tensor]:
        """Each picture's cut-outs of one step, side by side."""
        parts = cut_outs(images, self.count, torch.Generator().manual_seed(self.seed))
        of_each = parts.unflatten(0, (self.count, -1)).transpose(0, 1)
        return self.text, torch.stack([make_grid(each, math.isqrt(self.count), padding=0) for each in of_each])
