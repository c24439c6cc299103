"""Differentiable losses on pictures: images `[B, 3, H, W]` in [0, 1] → one value per sample, `[B]`. No ComfyUI."""

from .adjustment import ADJUSTMENTS, AdjustmentLoss
from .classifier import ClassifierLoss
from .color import ColorLoss
from .colorize import ColorizeLoss
from .deblur import DeblurLoss, blur, check_kernel, gaussian_kernel, motion_kernel
from .depth import DepthLoss
from .face_alignment import CROPS
from .face_id import NO_FACE, FaceIDLoss
from .frames import FrameChoice
from .input_error import InputError, enumeration, shown
from .landmarks import LandmarkLoss
from .loop import LoopLoss
from .loss import Loss, MeasuredLoss, RingLoss, VideoLoss, VisibleLoss, cropped, inside, norm
from .mask import MaskLoss
from .objects import BOXES, ObjectLoss, mask_boxes
from .packages import needed_packages
from .palette import PaletteLoss
from .pose import PoseLoss
from .qr_code import ERROR_CORRECTION, QRLoss, code_picture, qr_modules, read_modules
from .reward import RewardLoss
from .seamless import TILINGS, SeamlessLoss, tiled
from .segmentation import SEGMENTATION_DISTANCES, SegmentationLoss, class_colors
from .similarity import COMPARISONS, SimilarityLoss
from .sketch import SketchLoss
from .smoothness import SmoothnessLoss
from .style import STYLE_DISTANCES, StyleLoss
from .style_descriptor import StyleDescriptorLoss
from .super_resolution import SHRINK_KERNELS, SuperResolutionLoss, check_factor, shrink
from .symmetry import MIRRORS, SymmetryLoss
from .text import TextLoss

__all__ = [
    "ADJUSTMENTS",
    "BOXES",
    "COMPARISONS",
    "CROPS",
    "ERROR_CORRECTION",
    "MIRRORS",
    "NO_FACE",
    "SEGMENTATION_DISTANCES",
    "SHRINK_KERNELS",
    "STYLE_DISTANCES",
    "TILINGS",
    "AdjustmentLoss",
    "ClassifierLoss",
    "ColorLoss",
    "ColorizeLoss",
    "DeblurLoss",
    "DepthLoss",
    "FaceIDLoss",
    "FrameChoice",
    "InputError",
    "LandmarkLoss",
    "LoopLoss",
    "Loss",
    "MaskLoss",
    "MeasuredLoss",
    "ObjectLoss",
    "PaletteLoss",
    "PoseLoss",
    "QRLoss",
    "RewardLoss",
    "RingLoss",
    "SeamlessLoss",
    "SegmentationLoss",
    "SimilarityLoss",
    "SketchLoss",
    "SmoothnessLoss",
    "StyleDescriptorLoss",
    "StyleLoss",
    "SuperResolutionLoss",
    "SymmetryLoss",
    "TextLoss",
    "VideoLoss",
    "VisibleLoss",
    "blur",
    "check_factor",
    "check_kernel",
    "class_colors",
    "code_picture",
    "cropped",
    "enumeration",
    "gaussian_kernel",
    "inside",
    "mask_boxes",
    "motion_kernel",
    "needed_packages",
    "norm",
    "qr_modules",
    "read_modules",
    "shown",
    "shrink",
    "tiled",
]
