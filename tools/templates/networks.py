"""The loaders of published networks, with the files that they name, and of the pack's own detectors."""

from tools.templates.layout import Node
from tools.templates.models import (
    AESTHETIC_HEAD,
    CLASSIFIER,
    CLIP,
    DEPTH,
    DETECTOR,
    INSIGHTFACE,
    LARGE_CLIP,
    POSE,
    SEGFORMER,
    folder_name,
)


def clip(key: str) -> Node:
    """OpenAI's ViT-B/16, the CLIP of the paper, in open_clip's form."""
    widgets = {"clip_name": CLIP.name, "architecture": "ViT-B-16-quickgelu"}
    return Node(key, "DSG_LoadCLIP", widgets, files=(CLIP,))


def large_clip(key: str) -> Node:
    """OpenAI's ViT-L/14, whose features LAION's aesthetic heads read."""
    return Node(key, "DSG_LoadCLIP", {"clip_name": folder_name(LARGE_CLIP)}, files=LARGE_CLIP)


def aesthetic_head(key: str) -> Node:
    """LAION's, of the CLIP's features to a score from 1 to 10."""
    return Node(key, "DSG_LoadRewardHead", {"model_name": AESTHETIC_HEAD.name}, files=(AESTHETIC_HEAD,))


def segmentation(key: str) -> Node:
    """SegFormer for ADE20K's classes."""
    return Node(key, "DSG_LoadSegmentationModel", {"model_name": folder_name(SEGFORMER)}, files=SEGFORMER)


def faces(key: str) -> Node:
    """insightface's ArcFace, and its detector."""
    recogniser, detector = INSIGHTFACE
    return Node(key, "DSG_LoadFaceModel", {"model_name": recogniser.name, "detector": detector.name}, files=INSIGHTFACE)


def detector(key: str) -> Node:
    """torchvision's Faster R-CNN for COCO's classes."""
    return Node(key, "DSG_LoadDetector", {"model_name": DETECTOR.name}, files=(DETECTOR,))


def faces_of_the_pack(key: str) -> Node:
    """The embedded face network, and the embedded detector of five points."""
    widgets = {"model_name": "faces_irse.onnx", "detector": "faces_scrfd.onnx"}
    return Node(key, "DSG_LoadFaceModel", widgets)


def detector_of_the_pack(key: str) -> Node:
    """The embedded detector of the parts of drawn faces."""
    return Node(key, "DSG_LoadDetector", {"model_name": "faces_fcos.safetensors", "architecture": "fcos_small"})


def depth(key: str) -> Node:
    """Depth Anything V2, the small one."""
    return Node(key, "DSG_LoadDepthModel", {"model_name": folder_name(DEPTH)}, files=DEPTH)


def pose(key: str) -> Node:
    """ViTPose for COCO's keypoints."""
    return Node(key, "DSG_LoadPoseModel", {"model_name": folder_name(POSE)}, files=POSE)


def classifier(key: str) -> Node:
    """A ViT for ImageNet's thousand classes."""
    return Node(key, "DSG_LoadClassifier", {"model_name": folder_name(CLASSIFIER)}, files=CLASSIFIER)
