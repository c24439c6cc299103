"""Differentiable losses on pictures: images `[B, 3, H, W]` in [0, 1] → one value per sample, `[B]`. No ComfyUI."""

from .loss import Loss, MeasuredLoss, inside
from .mask import MaskLoss

__all__ = ["Loss", "MaskLoss", "MeasuredLoss", "inside"]
