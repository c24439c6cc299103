"""One workflow, and the node of it that gets each picture in turn."""

import copy
import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests
import websocket

from tools.comfyui import REPOSITORY
from tools.server import Client, PromptError
from tools.workflow import to_prompt

LOADER = "LoadImage"
SUBFOLDER = "batch"  # of the host's input folder
LOST = (requests.RequestException, websocket.WebSocketException, ConnectionError)


class JobError(Exception):
    """Nothing of the batch can be done. `str()` says why in one sentence, and what to do."""


class HostLost(JobError):
    """A host no longer answers: perhaps because of the picture that it had."""


@dataclass(frozen=True)
class Outcome:
    """What became of a picture.

    Attributes:
        made: `(ending, content)` of each picture that the workflow made, in the order of its nodes.
        error: what the host said instead, in its own words.
        place: where it ran.
    """

    made: list[tuple[str, bytes]] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0
    place: str = ""


def read_workflow(name: str) -> dict:
    """A workflow's file in either form, or a template of the pack by its name.

    Raises:
        JobError: if there is none, or it is none.
    """
    path = next((place for place in (Path(name), REPOSITORY / "workflows" / f"{name}.json") if place.is_file()), None)
    if path is None:
        raise JobError(f"There is no file and no template of the pack called {name}.")
    try:
        workflow = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise JobError(f"{path.name} is no workflow: it is not JSON ({error}).") from error
    nodes = workflow.get("nodes", workflow) if isinstance(workflow, dict) else None
    entries = nodes.values() if isinstance(nodes, dict) else nodes if isinstance(nodes, list) else []
    if not entries or not all(
        isinstance(entry, dict) and ("class_type" in entry or "type" in entry) for entry in entries
    ):
        raise JobError(f"{path.name} is no workflow of ComfyUI; save it there with Export or Export (API).")
    return workflow


@dataclass(frozen=True)
class Task:
    """What is asked of each picture, before any host has seen it.

    Attributes:
        workflow: in either form.
        loader: the id of the node that gets the pictures; None: the only Load Image.
    """

    workflow: dict
    loader: str | None = None

    def digest(self) -> str:
        text = json.dumps([self.workflow, self.loader], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Job:
    """A prompt in API format, and the id of the node whose `image` each picture becomes."""

    prompt: dict
    loader: str

    @classmethod
    def of(cls, task: Task, host: Client) -> "Job":
        """With the host's knowledge of its nodes.

        Raises:
            JobError: if the host lacks a node, or no node can get the pictures, or several can.
        """
        prompt = task.workflow
        if "nodes" in prompt:
            if prompt.get("definitions", {}).get("subgraphs"):
                raise JobError("The workflow has subgraphs; save it in ComfyUI with Export (API) instead.")
            try:
                prompt = to_prompt(prompt, host.get("/object_info").json())
            except KeyError as error:
                raise JobError(f"ComfyUI has no node {error.args[0]}; install the pack that it comes from.") from error
        found = [key for key, node in prompt.items() if node["class_type"] == LOADER]
        if task.loader is None and len(found) != 1:
            listed = ", ".join(f"{key} ({prompt[key]['inputs'].get('image')})" for key in found)
            raise JobError(
                f"The workflow has several Load Image nodes: {listed}; say with --image which one gets the pictures."
                if found
                else "The workflow has no Load Image node that could get the pictures; give it one."
            )
        loader = found[0] if task.loader is None else task.loader
        if "image" not in prompt.get(loader, {}).get("inputs", {}):
            raise JobError(f"The workflow has no node {loader} with an image of its own; give --image another id.")
        return cls(prompt, loader)

    def run(self, host: Client, name: str, content: bytes) -> Outcome:
        """Take one picture through it.

        Raises:
            HostLost: if the host no longer answers.
        """
        began = time.monotonic()
        # By its content, so that one name is one picture on a host that others use as well.
        stored = f"{hashlib.sha256(content).hexdigest()[:20]}{Path(name).suffix.lower()}"
        try:
            prompt = copy.deepcopy(self.prompt)
            prompt[self.loader]["inputs"]["image"] = host.upload(stored, content, SUBFOLDER)
            outputs = host.run(prompt)
            shown = [entry for key in sorted(outputs, key=by_number) for entry in outputs[key].get("images", [])]
            saved = [entry for entry in shown if entry["type"] == "output"] or shown
            made = [(Path(entry["filename"]).suffix, host.picture(entry)) for entry in saved]
            error = "" if made else "the workflow saved no picture"
        except PromptError as refused:
            made, error = [], str(refused)
        except LOST as lost:
            raise HostLost(f"The ComfyUI at {host.address} no longer answers.") from lost
        return Outcome(made, error, round(time.monotonic() - began, 3), host.address)


def by_number(key: str) -> tuple[int, str]:
    return (int(key), key) if key.isdecimal() else (1 << 62, key)
