"""The pack's own socket types."""

from comfy_api.latest import io

GuidanceRateSocket = io.Custom("GUIDANCE_RATE")
GuidanceMethodSocket = io.Custom("GUIDANCE_METHOD")
ClipSocket = io.Custom("DSG_CLIP")
FaceSocket = io.Custom("DSG_FACE")
DetectorSocket = io.Custom("DSG_DETECTOR")
SegmentationSocket = io.Custom("DSG_SEGMENTATION")
LossSocket = io.Custom("DSG_LOSS")
ReportSocket = io.Custom("DSG_REPORT")
