"""What a user sees: schemas, checks of what the user gave, messages. No mathematics."""

from .embedded import LoadEmbeddedFaces, LoadEmbeddedModel
from .guidance import GuidanceMethodNode, GuidanceRateBlend
from .inverse_problems import MaskLossNode, RandomMask
from .own_loss import ApplyLoss
from .report import GuidanceReport
from .samplers import DSGKSampler, DSGSampler

NODES = [
    DSGKSampler,
    DSGSampler,
    GuidanceRateBlend,
    GuidanceMethodNode,
    MaskLossNode,
    RandomMask,
    ApplyLoss,
    GuidanceReport,
    LoadEmbeddedModel,
    LoadEmbeddedFaces,
]
