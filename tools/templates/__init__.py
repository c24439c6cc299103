"""The templates in `workflows/`, described: one file a task."""

from tools.templates import inpainting

TEMPLATES = [*inpainting.TEMPLATES]
