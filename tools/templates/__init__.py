"""The templates in `workflows/`, described: one file a task."""

from tools.templates import (
    colourising,
    deblurring,
    face_id,
    inpainting,
    palette,
    segmentation,
    sketch,
    style,
    super_resolution,
    text,
)

TASKS = (
    inpainting,
    super_resolution,
    deblurring,
    colourising,
    segmentation,
    face_id,
    style,
    text,
    sketch,
    palette,
)
TEMPLATES = [template for task in TASKS for template in task.TEMPLATES]
