"""Segmentation: what each pixel of the picture belongs to.

Yu et al., "FreeDoM", ICCV 2023, arXiv 2303.09833; Bansal et al., "Universal Guidance", 2023, arXiv 2302.07121; Yang et
al., ICML 2024, arXiv 2402.03201. All compare a segmentation network's soft answer for the estimate with a given map.
"""

from collections.abc import Callable
from colorsys import hsv_to_rgb
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .input_error import InputError
from .loss import cropped, norm, repeat_reference, resized_reference

SEGMENTATION_DISTANCES = ("cross-entropy", "probability")
GOLDEN = 0.618034  # of the circle of hues: however many classes there are, neighbours differ


def grouped_log_probabilities(logits: Tensor, classes: Tensor) -> Tensor:
    """Of some classes, and of all the others together as one: logits `[B, all, H, W]` → `[B, K or K + 1, H, W]`."""
    log_probabilities = F.log_softmax(logits, dim=1)
    others = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    others[classes] = False
    chosen = log_probabilities[:, classes]
    if not others.any():
        return chosen
    return torch.cat([chosen, log_probabilities[:, others].logsumexp(1, keepdim=True)], dim=1)


def class_colors(count: int) -> Tensor:
    """A colour for each class, `[count, 3]` in [0, 1]; the first is grey."""
    hues = [(GOLDEN * number) % 1 for number in range(1, count)]
    return torch.tensor([(0.35, 0.35, 0.35), *(hsv_to_rgb(hue, 0.75, 0.95) for hue in hues)])


@dataclass(frozen=True, eq=False)
class SegmentationLoss:
    """How far the picture's segmentation is from a map. Classes that are not asked for count as one, "other".

    Attributes:
        network: pictures `[B, 3, H, W]` in [0, 1] → logits `[B, classes, H, W]`.
        classes: `[K]`, int64: the numbers of the classes that are asked for.
        weights: `[K]`: how much each counts; "other" counts 1.
        picture: `[N, 3, H, W]` in [0, 1], segmented once; N = 1 or one for each picture. Or None, with
        mask: `[N, 1, H, W]` in [0, 1]: where the one class is to be, and where it is not.
        distance: "cross-entropy", the mean over the pixels, or "probability", the L2 norm of the difference of the
            probabilities.
    """

    network: nn.Module
    classes: Tensor
    weights: Tensor
    picture: Tensor | None = None
    mask: Tensor | None = None
    distance: str = "cross-entropy"
    name: str = "segmentation"

    def fit(self, batch: int, height: int, width: int, device: torch.device) -> Callable[[Tensor], Tensor]:
        classes = self.classes.to(device)
        wanted = self._wanted(batch, height, width, classes)
        counts = torch.ones(wanted.shape[1], device=device)
        counts[: len(classes)] = self.weights.to(device)
        counts = counts.view(-1, 1, 1)

        def cross_entropy(images: Tensor) -> Tensor:
            found = grouped_log_probabilities(self.network(images), classes)
            return -(counts * wanted * found).sum(1).mean((1, 2))

        def probability(images: Tensor) -> Tensor:
            found = grouped_log_probabilities(self.network(images), classes).exp()
            return norm(counts.sqrt() * (wanted - found))

        return {"cross-entropy": cross_entropy, "probability": probability}[self.distance]

    def compared(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The surest class of each pixel in its colour; grey is "other"."""
        classes = self.classes.to(images.device)
        colors = class_colors(len(classes) + 1).to(images.device).roll(-1, 0)  # the last is "other"
        batch, _, height, width = images.shape
        wanted = self._wanted(batch, height, width, classes)
        found = grouped_log_probabilities(self.network(images), classes)
        asked, made = (colors[maps.argmax(1)].movedim(-1, 1) for maps in (wanted, found))
        return asked, made

    def _wanted(self, batch: int, height: int, width: int, classes: Tensor) -> Tensor:
        """The map that is asked for, as probabilities, `[batch, K or K + 1, H, W]`."""
        if self.mask is not None:
            mask = repeat_reference(self.mask, batch, "masks").to(classes.device)
            mask = F.interpolate(cropped(mask, height, width), (height, width), mode="area")
            return torch.cat([mask, 1 - mask], dim=1)
        if self.picture is None:
            raise InputError("there is neither a reference image nor a mask.")
        picture = repeat_reference(self.picture, batch, "reference images").to(classes.device)
        picture = resized_reference(picture, height, width)
        with torch.no_grad():
            logits = self.network(picture)
        chosen = (logits.argmax(1, keepdim=True) == classes.view(-1, 1, 1)).to(picture)
        if len(classes) == logits.shape[1]:
            return chosen
        return torch.cat([chosen, 1 - chosen.sum(1, keepdim=True)], dim=1)
