"""A node that tells to which places beyond this machine anything in the host has tried to connect; none is reached."""

import sys

from comfy_api.latest import ComfyExtension, io

HERE = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None)  # noqa: S104 (compared, not listened on)
TRIED: list[str] = []


def watch(event: str, arguments: tuple) -> None:
    """Python's audit hook, which sees all that opens a connection."""
    if event == "socket.connect":
        address = arguments[1]
    elif event == "socket.getaddrinfo":
        address = arguments
    else:
        return
    if isinstance(address, tuple) and address[0] not in HERE:
        TRIED.append(f"{event} {address[0]}")
        raise OSError("the tests' host connects to nothing")


sys.addaudithook(watch)


class Connections(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Test_Connections",
            category="test",
            inputs=[io.Int.Input("asked")],
            outputs=[io.String.Output()],
        )

    @classmethod
    def execute(cls, asked: int) -> io.NodeOutput:
        return io.NodeOutput(", ".join(TRIED) or "none")


class Pack(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [Connections]


async def comfy_entrypoint() -> Pack:
    return Pack()
