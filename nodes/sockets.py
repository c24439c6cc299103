"""The pack's own socket types, and what goes through one of them."""

from typing import NamedTuple

from comfy_api.latest import io

from ..sampling.constraint import Constraint
from ..sampling.rate import GuidedSteps


class RateBlend(NamedTuple):
    """constraint: at its rate over the run; when: which steps are guided."""

    constraint: Constraint
    when: GuidedSteps


GuidanceRateSocket = io.Custom("DSG_GUIDANCE_RATE")
GuidanceMethodSocket = io.Custom("DSG_GUIDANCE_METHOD")
ClipSocket = io.Custom("DSG_CLIP")
CsdSocket = io.Custom("DSG_CSD")
FaceSocket = io.Custom("DSG_FACE")
ClassifierSocket = io.Custom("DSG_CLASSIFIER")
DepthSocket = io.Custom("DSG_DEPTH")
DetectorSocket = io.Custom("DSG_DETECTOR")
PoseSocket = io.Custom("DSG_POSE")
RewardHeadSocket = io.Custom("DSG_REWARD_HEAD")
SegmentationSocket = io.Custom("DSG_SEGMENTATION")
LossSocket = io.Custom("DSG_LOSS")
ReportSocket = io.Custom("DSG_REPORT")
