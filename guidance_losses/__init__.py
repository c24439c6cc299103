"""Differentiable losses on pictures: images `[B, 3, H, W]` in [0, 1] → one value per sample, `[B]`. No ComfyUI."""

from .loss import Loss, inside
from .mask import MaskLoss

__all__ = ["Loss", "MaskLoss", "inside"]
