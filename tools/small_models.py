"""Prompts on small random models of the host's families, which a node of `tests/host/small_models.py` makes.

What they paint means nothing, so they are asked for a picture whose left half is grey.
"""

from tools.graph import Graph

SIDE, STEPS = 64, 6
GREY = 0x808080
FAMILIES = ["SD 1.5", "SD 1.5 inpainting", "SDXL", "SD3", "Flux", "Qwen-Image", "Z-Image", "Wan"]
GRADIENTS = ["exact", "low memory", "finite difference", "none"]


def families(object_info: dict) -> list[str]:
    """Those of `FAMILIES` that the host has."""
    offered = object_info["Test_SmallModel"]["input"]["required"]["family"][1]["options"]
    return [family for family in FAMILIES if family in offered]


def half_grey(family: str, gradient: str | None, side: int = SIDE) -> dict:
    """A prompt for pictures of `side` pixels; unguided without a way to the gradient. Nodes have their parts' names."""
    graph = Graph()
    add, nodes = graph.named, graph.nodes
    add("small", "Test_SmallModel", family=family)
    add("image", "EmptyImage", width=side, height=side, batch_size=1, color=GREY)
    add("left", "SolidMask", value=0.0, width=side // 2, height=side)
    add("whole", "SolidMask", value=1.0, width=side, height=side)
    add("mask", "MaskComposite", destination=["whole", 0], source=["left", 0], x=0, y=0, operation="multiply")
    image, mask = ["image", 0], ["mask", 0]
    positive, negative, latent = ["small", 1], ["small", 1], ["small", 3]
    if side > SIDE:
        add("large", "LatentUpscale", samples=latent, upscale_method="nearest-exact", width=side, height=side)
        nodes["large"]["inputs"]["crop"] = "disabled"
        latent = ["large", 0]
    if family == "SD 1.5 inpainting":
        known = {"positive": positive, "negative": negative, "vae": ["small", 2], "pixels": image, "mask": mask}
        add("known", "InpaintModelConditioning", **known, noise_mask=False)
        positive, negative, latent = ["known", 0], ["known", 1], ["known", 2]
    add("sampler", "DSG_KSampler", model=["small", 0], positive=positive, negative=negative, latent_image=latent)
    nodes["sampler"]["inputs"] |= {"vae": ["small", 2], "guidance_rate": 0.5, "seed": 0, "steps": STEPS, "cfg": 1.0}
    nodes["sampler"]["inputs"] |= {"scheduler": "normal", "denoise": 1.0}
    if gradient:
        asked = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0, "threshold": 0.5, "restore_known": False}
        add("loss", "DSG_MaskLoss", conditioning=positive, image=image, mask=mask, **asked)
        add("method", "DSG_GuidanceMethod", method="DSG", step_size=0.0, gradient=gradient)
        nodes["sampler"]["inputs"] |= {"positive": ["loss", 0], "method": ["method", 0]}
    add("decoded", "VAEDecode", samples=["sampler", 0], vae=["small", 2])
    add("saved", "SaveImage", images=["decoded", 0], filename_prefix="half-grey")
    add("report", "DSG_GuidanceReport", report=["sampler", 1])
    return nodes
