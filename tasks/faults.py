"""Guided runs in which something goes wrong once, and what must hold after each.

The fault is in a node of `tests/host/faults.py`, between the loaders and the sampler of any prompt.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from tools.comfyui import REPOSITORY
from tools.hosts import template
from tools.server import Client, PromptError
from tools.workflow import find

PACKS = [REPOSITORY / "tests" / "host" / name for name in ("faults.py", "odd_inputs.py")]
GRADIENTS = ["auto", "exact", "low memory", "finite difference", "none"]
KINDS = ["exception", "out of memory", "NaN", "interrupt", "cancel"]
STEPS = 3  # of a run; the last one has no noise, so that DSG does not guide it
STAGES = {"denoiser": 3, "callback": 3, "decode": 2, "loss": 2, "loss gradient": 2, "gradient": 2}  # in so many steps
SHOWN = {"SaveImage", "PreviewImage", "VAEDecode", "ImageCompositeMasked", "EmptyImage", "PreviewAny"}


@dataclass(frozen=True)
class Fault:
    """kind: an error, numbers that are none, or the user's interrupt: at once, or when the host next looks for it."""

    kind: str
    stage: str
    step: int

    def __str__(self) -> str:
        return f"{self.kind} in the {self.stage} of step {self.step}"


def faults(gradient: str) -> Iterator[Fault]:
    """All that can go wrong in a short run with this way to the gradient."""
    for stage, steps in STAGES.items():
        if (gradient, stage) == ("none", "gradient"):  # the denoiser is not differentiated
            continue
        for kind in KINDS:
            if (kind, stage) != ("NaN", "callback"):  # which gives nothing back
                yield from (Fault(kind, stage, step) for step in range(steps))


class Outcome(NamedTuple):
    """end: "finished", or the error's first line; bits: of the latent; remarks: what the user was told; found: what the
    run before it had left."""

    end: str
    bits: str
    remarks: list[str]
    found: dict


class FaultyRuns:
    """Runs of a workflow for one picture, with one way to the gradient."""

    def __init__(self, host: Client, workflow: Path, gradient: str):
        prompt = template(workflow, host.get("/object_info").json(), people=1)
        self.host, self.prompt = host, faulty(prompt, gradient)
        self.run(None, freeze=True)
        self.expected = self.run(None)

    def run(self, fault: Fault | None, freeze: bool = False) -> Outcome:
        settings = asdict(fault) if fault else {"kind": "none", "stage": "loss", "step": 0}
        self.prompt["fault"]["inputs"] |= settings | {"freeze": freeze}
        shown: dict[str, dict] = {}
        try:
            shown, end = self.host.run(self.prompt), "finished"
        except PromptError as error:
            end = str(error).splitlines()[0]
        text = {key: output["text"][0] for key, output in shown.items() if output.get("text")}
        if end != "finished":
            return Outcome(end, "", [], {})
        bits = json.loads(text["bits"])["sha"]
        return Outcome(end, bits, json.loads(text["report"])["remarks"], json.loads(text["found"]))

    def wrong(self, fault: Fault) -> str | None:
        """What is not as it should be in a run with this fault, and in the next one without. None: nothing."""
        faulty = self.run(fault)
        clean = self.run(None)
        if not clean.found["fired"]:
            return "the run never came there"
        if fault.kind in ("interrupt", "cancel") and faulty.end != "interrupted":
            return f"the interrupt was lost: {faulty.end}"
        if fault.kind == "NaN" and (faulty.end != "finished" or not faulty.remarks):
            return f"not said: {faulty.end}"
        if faulty.end == "finished" and not faulty.remarks:
            return "finished without a word"
        if clean.end != "finished" or clean.bits != self.expected.bits:
            return f"the next run is another one: {clean.end}"
        if clean.found["state"] != self.expected.found["state"]:
            changed = [
                name for name, value in self.expected.found["state"].items() if clean.found["state"][name] != value
            ]
            return f"left behind: {', '.join(changed)}"
        if clean.found["bytes"] > self.expected.found["bytes"]:
            return f"{clean.found['bytes'] - self.expected.found['bytes']} bytes of tensors are left"
        return None


def faulty(prompt: dict, gradient: str) -> dict:
    """The prompt with a node for faults before its sampler, and without its pictures."""
    prompt = {key: node for key, node in copy.deepcopy(prompt).items() if node["class_type"] not in SHOWN}
    (report,) = [key for key, node in prompt.items() if node["class_type"] == "DSG_GuidanceReport"]
    prompt["report"] = prompt.pop(report)
    sampler = prompt[find(prompt, "DSG_KSampler")]["inputs"]
    given = {name: sampler[name] for name in ("model", "vae", "positive")}
    prompt["fault"] = {"class_type": "Test_FaultyRun", "inputs": given}
    method = {"method": "DSG", "step_size": 0.0, "gradient": gradient}
    prompt["method"] = {"class_type": "DSG_GuidanceMethod", "inputs": method}
    sampler |= {"model": ["fault", 0], "vae": ["fault", 1], "positive": ["fault", 2], "method": ["method", 0]}
    sampler |= {"steps": STEPS}
    latent = [find(prompt, "DSG_KSampler"), 0]
    prompt["bits"] = {"class_type": "Test_LatentNumbers", "inputs": {"latent": latent}}
    prompt["found"] = {"class_type": "PreviewAny", "inputs": {"source": ["fault", 3]}}
    return prompt
