"""A folder of pictures through one workflow, on a running ComfyUI or on the machines of a Ray cluster."""
