"""ComfyUI-DSG: training-free guidance for every diffusion model that ComfyUI runs."""

from comfy_api.latest import ComfyExtension, io

WEB_DIRECTORY = "./web"


class DSGExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        from .nodes import NODES

        return NODES


async def comfy_entrypoint() -> DSGExtension:
    return DSGExtension()
