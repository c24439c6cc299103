"""The templates in `workflows/`, described: one file a task."""

from tools.templates import (
    colorizing,
    deblurring,
    face_id,
    inpainting,
    landmarks,
    objects,
    palette,
    segmentation,
    sketch,
    style,
    super_resolution,
    text,
    text_and_segmentation,
    text_and_style,
)

TASKS = (
    inpainting,
    super_resolution,
    deblurring,
    colorizing,
    segmentation,
    face_id,
    style,
    text,
    text_and_style,
    text_and_segmentation,
    sketch,
    palette,
    landmarks,
    objects,
)
TEMPLATES = [template for task in TASKS for template in task.TEMPLATES]
