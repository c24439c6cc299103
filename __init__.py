"""ComfyUI-DSG: training-free guidance for every diffusion model that ComfyUI runs."""

from comfy_api.latest import ComfyExtension, io

WEB_DIRECTORY = "./web"


class DSGExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        from .host import serve_live_chart
        from .nodes import NODES

        serve_live_chart()
        return NODES


async def comfy_entrypoint() -> DSGExtension:
    return DSGExtension()
