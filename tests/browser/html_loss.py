"""A pack for the tests: a loss whose name is full of HTML."""

from dataclasses import dataclass

from comfy_api.latest import ComfyExtension, io


@dataclass(frozen=True)
class HtmlLoss:
    """As dark as can be."""

    name: str = "<img src=x onerror=\"document.title='run'\"><b>dark</b>"

    def fit(self, batch, height, width, device):
        return lambda images: images.square().mean((1, 2, 3))


class MakeHtmlLoss(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("Test_HtmlLoss", category="test", outputs=[io.Custom("DSG_LOSS").Output("loss")])

    @classmethod
    def execute(cls):
        return io.NodeOutput(HtmlLoss())


class HtmlLosses(ComfyExtension):
    async def get_node_list(self):
        return [MakeHtmlLoss]


async def comfy_entrypoint():
    return HtmlLosses()
