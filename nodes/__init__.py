"""What a user sees: schemas, checks of what the user gave, messages. No mathematics."""

from .appearance import PaletteLossNode, SketchLossNode
from .embedded import LoadEmbeddedFaces, LoadEmbeddedModel
from .faces import FaceIDLossNode, LandmarkLossNode
from .guidance import AutomaticGuidanceRate, GuidanceMethodNode, GuidanceRateBlend
from .inverse_problems import ColorizeLossNode, DeblurLossNode, MaskLossNode, SuperResolutionLossNode
from .limits import check_inputs_of
from .loaders import LoadClip, LoadDetector, LoadFaceModel, LoadSegmentationModel
from .measurements import BlurPicture, RandomMask, ShrinkPicture
from .network_losses import SegmentationLossNode, StyleLossNode, TextLossNode
from .objects import ObjectLossNode
from .own_loss import ApplyLoss
from .report import GuidanceReport
from .samplers import DSGKSampler, DSGSampler
from .segmentation import SegmentPicture

NODES = [
    DSGKSampler,
    DSGSampler,
    GuidanceRateBlend,
    AutomaticGuidanceRate,
    GuidanceMethodNode,
    MaskLossNode,
    SuperResolutionLossNode,
    DeblurLossNode,
    ColorizeLossNode,
    SketchLossNode,
    PaletteLossNode,
    RandomMask,
    ShrinkPicture,
    BlurPicture,
    SegmentPicture,
    SegmentationLossNode,
    StyleLossNode,
    TextLossNode,
    FaceIDLossNode,
    LandmarkLossNode,
    ObjectLossNode,
    ApplyLoss,
    LoadClip,
    LoadSegmentationModel,
    LoadFaceModel,
    LoadDetector,
    GuidanceReport,
    LoadEmbeddedModel,
    LoadEmbeddedFaces,
]
for node in NODES:
    check_inputs_of(node)
