"""A real ComfyUI server with this pack in it, in a folder of its own, and a client for its HTTP API.

python -m tools.server            the host with its front end on 127.0.0.1, until Ctrl-C (`make ui`)
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
import websocket

from tools.comfyui import REPOSITORY, STAND_INS, find_host

START_SECONDS = 900  # of a busy machine; a host that ends is noticed at once
TEXT = 3  # the host's number for such messages


class PromptError(RuntimeError):
    """The host refused or failed a prompt. `str()` is the message that a user would read.

    Attributes:
        node: the class of the node that failed; none where the host refused the prompt before it ran.
    """

    def __init__(self, message: str, node: str = ""):
        super().__init__(message)
        self.node = node


def prepare_base(base: Path, pack: Path = REPOSITORY, folder: Path | None = None) -> None:
    """The host's folders (custom_nodes, models, input, output, user …) in `base`, with the pack linked in."""
    (base / "custom_nodes").mkdir(parents=True, exist_ok=True)
    link = base / "custom_nodes" / "ComfyUI-DSG"
    if not link.exists():
        link.symlink_to(pack, target_is_directory=True)
    (base / "input").mkdir(exist_ok=True)
    for example in ((folder or find_host()) / "input").glob("example.*"):
        shutil.copy(example, base / "input")


def command(base: Path, port: int, *options: str, python: str = sys.executable) -> list[str]:
    import torch  # takes seconds, which who only talks to a host need not wait

    device = [] if torch.cuda.is_available() or torch.backends.mps.is_available() else ["--cpu"]
    folders = ["--base-directory", str(base), "--database-url", f"sqlite:///{base / 'comfyui.db'}"]
    return [python, "main.py", "--port", str(port), "--disable-auto-launch", *device, *folders, *options]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client:
    """Talks to a running host as its front end does.

    Attributes:
        pid: of the host's process, if it was started here.
    """

    def __init__(self, address: str, log: Path = Path(os.devnull)):
        self.address, self.log = address, log
        self.pid: int | None = None
        self.id = uuid.uuid4().hex
        self.texts: dict[str, list[str]] = {}  # what nodes showed during the last prompt
        self.steps: list[dict] = []  # what samplers sent for their live charts during it

    def get(self, path: str) -> requests.Response:
        response = requests.get(f"http://{self.address}{path}", timeout=60)
        response.raise_for_status()
        return response

    def post(self, path: str, body: dict | None = None) -> requests.Response:
        written = json.dumps(body or {})  # requests itself refuses NaN, which hosts take
        return requests.post(
            f"http://{self.address}{path}", written, headers={"Content-Type": "application/json"}, timeout=60
        )

    def run(
        self,
        prompt: dict,
        on_step: Callable[[str, int, int], None] | None = None,
        seconds: float = math.inf,
        extra_data: dict | None = None,
    ) -> dict:
        """Queue a prompt in API format and wait for its end. Returns its outputs, node id → what the node showed.

        What nodes showed in words while they ran is in `texts` after it, node id → texts; what they sent for a live
        chart, in `steps`.

        `on_step` is called with a node's id, its step and its number of steps. `extra_data` is what the front end sends
        beside the prompt, `in_graph` for one.

        Raises:
            PromptError: with the host's own words, if it refuses or fails.
            TimeoutError: if it takes more than these seconds; the host goes on with it.
        """
        until = time.monotonic() + seconds
        with contextlib.closing(websocket.create_connection(f"ws://{self.address}/ws?clientId={self.id}")) as socket_:
            answer = self.post("/prompt", {"prompt": prompt, "client_id": self.id, "extra_data": extra_data or {}})
            if not answer.ok or answer.json().get("node_errors"):  # the host runs what is left of a prompt
                raise PromptError(refusal(answer.json()))
            number = answer.json()["prompt_id"]
            self.texts, self.steps = {}, []
            while True:
                message = next_message(socket_, until)
                if isinstance(message, bytes):
                    self._read(message)
                    continue
                event = json.loads(message)
                data = event["data"]
                if data.get("prompt_id") not in (None, number):
                    continue
                if event["type"] == "dsg.step":
                    self.steps.append(data)
                elif event["type"] == "progress" and on_step:
                    on_step(data["node"], data["value"], data["max"])
                elif event["type"] == "execution_error":
                    raise PromptError(data["exception_message"].strip(), data["node_type"])
                elif event["type"] == "execution_interrupted":
                    raise PromptError("interrupted")
                elif event["type"] == "executing" and data["node"] is None:
                    break  # the prompt's history is written by now
        return self.get(f"/history/{number}").json()[number]["outputs"]

    def _read(self, message: bytes) -> None:
        """A preview picture, or a text for a node: the kind of message, the length of the id, the id, the text."""
        kind, length = struct.unpack(">II", message[:8])
        if kind == TEXT:
            node, text = message[8 : 8 + length].decode(), message[8 + length :].decode()
            self.texts.setdefault(node, []).append(text)

    def upload(self, name: str, content: bytes, subfolder: str) -> str:
        """Put a picture into the host's input folder. Returns how Load Image calls it there.

        Raises:
            PromptError: if the host does not take it.
        """
        form = {"subfolder": subfolder, "overwrite": "true"}
        answer = requests.post(
            f"http://{self.address}/upload/image", data=form, files={"image": (name, content)}, timeout=60
        )
        if not answer.ok:
            raise PromptError(f"ComfyUI does not take {name}: {answer.status_code} {answer.reason}")
        stored = answer.json()
        return f"{stored['subfolder']}/{stored['name']}"

    def picture(self, shown: dict) -> bytes:
        """The PNG behind one entry of an output's `images`."""
        query = f"filename={shown['filename']}&subfolder={shown['subfolder']}&type={shown['type']}"
        return self.get(f"/view?{query}").content


def in_graph(number: str) -> dict:
    """The `extra_data` of a prompt that a front end made of the graph with this id."""
    return {"extra_pnginfo": {"workflow": {"id": number}}}


def next_message(socket_: websocket.WebSocket, until: float) -> str | bytes:
    """Raises TimeoutError if there is none until a time of `time.monotonic`."""
    left = until - time.monotonic()
    socket_.settimeout(None if left == math.inf else max(left, 0.001))
    try:
        return socket_.recv()
    except websocket.WebSocketTimeoutException as error:
        raise TimeoutError("the host took too long") from error


def refusal(answer: dict) -> str:
    """The host's message for a prompt that does not validate."""
    parts = [answer["error"]["message"]] if "error" in answer else []
    for node in answer.get("node_errors", {}).values():
        parts += [f"{node['class_type']}: {error['message']} ({error['details']})" for error in node["errors"]]
    return " ".join(parts)


def has_torchaudio(python: str) -> bool:
    find = "import importlib.util, sys; sys.exit(not importlib.util.find_spec('torchaudio'))"
    return subprocess.run([python, "-c", find], check=False).returncode == 0


def wait_until_up(client: Client, process: subprocess.Popen) -> None:
    began = time.monotonic()
    while time.monotonic() - began < START_SECONDS:
        if process.poll() is not None:
            break
        with contextlib.suppress(requests.ConnectionError):
            client.get("/system_stats")
            return
        time.sleep(0.3)
    raise RuntimeError(f"ComfyUI did not start. The end of its log:\n{client.log.read_text()[-3000:]}")


@contextlib.contextmanager
def ended_with_us(process: subprocess.Popen) -> Iterator[None]:
    """A process ends with this one, even if this one is killed: another's stdin ends then, and it acts."""
    act = f"import os, sys; sys.stdin.read(); os.kill({process.pid}, {signal.SIGTERM:d})"
    with subprocess.Popen([sys.executable, "-c", act], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as watcher:
        try:
            yield
        finally:
            watcher.kill()


@contextlib.contextmanager
def running_host(
    base: Path | None = None, *options: str, folder: Path | None = None, python: str = sys.executable
) -> Iterator[Client]:
    """Start a headless host and stop it in the end: the one that is found, or that of a `folder`, by this Python or
    another. Without a base folder it gets one for the time. Nodes of paid services, a third of the start, are off."""
    folder = folder or find_host()
    with contextlib.ExitStack() as stack:
        if base is None:
            base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="comfyui-dsg-")))
            prepare_base(base, folder=folder)
        port = free_port()
        client = Client(f"127.0.0.1:{port}", base / "comfyui.log")
        log = stack.enter_context(client.log.open("w"))
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        if not has_torchaudio(python):
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(STAND_INS), os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(
            command(base, port, "--disable-api-nodes", *options, python=python),
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        client.pid = process.pid
        stack.enter_context(ended_with_us(process))
        try:
            wait_until_up(client, process)
            yield client
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8188)
    options = parser.parse_args()
    base = REPOSITORY / ".host" / "base"
    prepare_base(base)
    print(f"ComfyUI with this pack: http://127.0.0.1:{options.port} (Ctrl-C ends it)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(command(base, options.port), cwd=find_host(), check=True)


if __name__ == "__main__":
    main()
