"""A pack for the host that is measured: models with random weights, and what is measured from inside."""

from comfy_api.latest import ComfyExtension

from .decoders import RandomDecoder
from .meter import Measured, Measurements
from .models import RandomModel


class MeasuringNodes(ComfyExtension):
    async def get_node_list(self):
        return [Measured, Measurements, RandomDecoder, RandomModel]


async def comfy_entrypoint():
    return MeasuringNodes()
