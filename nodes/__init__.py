"""What a user sees: schemas, checks of what the user gave, messages. No mathematics."""

from .adjustments import AdjustmentLossNode, ColorLossNode, SymmetryLossNode
from .appearance import PaletteLossNode, SketchLossNode
from .apply_loss import ApplyLoss
from .best_noise import BestNoise
from .border import guard
from .classifier import ClassifierLossNode
from .clip_losses import SimilarityLossNode, StyleLossNode, TextLossNode
from .depth import DepthLossNode
from .embedded import LoadEmbeddedFaces, LoadEmbeddedModel
from .faces import FaceIDLossNode, LandmarkLossNode
from .guidance import AutomaticGuidanceRate, GuidanceMethodNode, GuidanceRateBlend
from .inverse_problems import ColorizeLossNode, DeblurLossNode, MaskLossNode, SuperResolutionLossNode
from .loaders import (
    LoadClassifier,
    LoadClip,
    LoadCsd,
    LoadDepthModel,
    LoadDetector,
    LoadFaceModel,
    LoadPoseModel,
    LoadRewardHead,
    LoadSegmentationModel,
)
from .loss_preview import LossPreview
from .measurements import BlurPicture, RandomMask, ShrinkPicture
from .objects import ObjectLossNode
from .pose import PoseLossNode
from .qr_code import QRCode, QRLossNode
from .report import GuidanceReport
from .reward import RewardLossNode
from .samplers import DSGKSampler, DSGSampler
from .seamless import SeamlessDecode, SeamlessLossNode
from .segment_picture import SegmentPicture
from .segmentation import SegmentationLossNode
from .video import GuidedFrames, LoopLossNode, SmoothnessLossNode

NODES = [
    DSGKSampler,
    DSGSampler,
    SeamlessDecode,
    BestNoise,
    GuidanceRateBlend,
    AutomaticGuidanceRate,
    GuidanceMethodNode,
    GuidedFrames,
    MaskLossNode,
    SuperResolutionLossNode,
    DeblurLossNode,
    ColorizeLossNode,
    SketchLossNode,
    PaletteLossNode,
    AdjustmentLossNode,
    ColorLossNode,
    SymmetryLossNode,
    SeamlessLossNode,
    QRLossNode,
    LoopLossNode,
    SmoothnessLossNode,
    RandomMask,
    ShrinkPicture,
    BlurPicture,
    SegmentPicture,
    QRCode,
    LossPreview,
    SegmentationLossNode,
    StyleLossNode,
    SimilarityLossNode,
    TextLossNode,
    ClassifierLossNode,
    RewardLossNode,
    FaceIDLossNode,
    LandmarkLossNode,
    ObjectLossNode,
    DepthLossNode,
    PoseLossNode,
    ApplyLoss,
    LoadClip,
    LoadCsd,
    LoadSegmentationModel,
    LoadClassifier,
    LoadFaceModel,
    LoadDetector,
    LoadDepthModel,
    LoadPoseModel,
    LoadRewardHead,
    GuidanceReport,
    LoadEmbeddedModel,
    LoadEmbeddedFaces,
]
for node in NODES:
    guard(node)
