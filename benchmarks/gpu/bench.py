"""A running host, and what its runs tell."""

import functools
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.gpu.run import Run, prompt
from tools.hosts import losses_fell
from tools.server import Client
from tools.workflow import find


@dataclass(frozen=True)
class Outcome:
    """What was measured of a run; its report, as a dict; the latent, if it was to be kept (otherwise nothing)."""

    measured: dict
    report: dict
    latent: Tensor

    @property
    def seconds(self) -> float:
        """Of a step: of a guided one in a guided run, without the first one, which bears the checks of a run."""
        spent, guided = self.measured["seconds"], self.report["guided_steps"]
        return statistics.median(spent[: guided - 1] if guided > 1 else spent)

    @property
    def gigabytes(self) -> float:
        """The most that was allocated during the run, the model's weights among it."""
        return self.measured["bytes"] / 1e9

    @property
    def modes(self) -> str:
        return ", then ".join(self.report["gradient_modes"])

    def guided(self, plain: "Outcome") -> dict:
        """What tells whether a gradient is right, and what it costs."""
        agreement = self.report["agreement"]
        return {
            "computed": self.modes,
            "loss falls": losses_fell(self.report),
            "agreement": None if agreement is None else round(agreement, 2),
            "time": round(self.seconds / plain.seconds, 2),
            "said": " ".join(self.report["remarks"]),
        }


class Bench:
    """A host with the pack of measuring nodes, until a time of `time.monotonic`.

    Raises from its runs:
        TimeoutError: the time is up; the host goes on computing.
        PromptError: with the host's own words.
    """

    def __init__(self, host: Client, base: Path, until: float):
        self.host, self.base, self.until = host, base, until
        self.plain = functools.cache(self.run)  # a setting that others are compared with runs once

    @property
    def time_is_up(self) -> bool:
        return time.monotonic() >= self.until

    def outputs(self, nodes: dict) -> dict:
        return self.host.run(nodes, seconds=self.until - time.monotonic())

    def run(self, setting: Run) -> Outcome:
        nodes = prompt(setting)
        outputs = self.outputs(nodes)
        measured = json.loads(outputs[find(nodes, "GPU_Measurements")]["text"][0])
        latent = self._latent(outputs, nodes) if setting.keep else torch.empty(0)
        return Outcome(measured, measured.pop("report"), latent)

    def _latent(self, outputs: dict, nodes: dict) -> Tensor:
        (saved,) = outputs[find(nodes, "SaveLatent")]["latents"]
        return load_file(self.base / "output" / saved["subfolder"] / saved["filename"])["latent_tensor"]
