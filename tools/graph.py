"""Graphs of guided runs on the embedded models, as the host's HTTP API takes them."""

import io
import json
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tools.server import Client

Slot = list  # [node's key, number of its output]


@dataclass
class Graph:
    """A prompt under construction. `add` returns the node's key, so that `[key, 0]` is its first output."""

    nodes: dict[str, dict] = field(default_factory=dict)

    def add(self, kind: str, /, **inputs: object) -> str:
        return self.named(str(len(self.nodes) + 1), kind, **inputs)

    def named(self, key: str, kind: str, /, **inputs: object) -> str:
        """The same, with a key of one's own."""
        self.nodes[key] = {"class_type": kind, "inputs": inputs}
        return key


@dataclass(frozen=True)
class Result:
    """pictures: uint8 `[N, 64, 64, 3]`; report: the run's, as a dict."""

    pictures: np.ndarray
    report: dict


def loss(graph: Graph, kind: str, conditioning: Slot, **inputs: object) -> Slot:
    settings = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
    return [graph.add(kind, conditioning=conditioning, **(settings | inputs)), 0]


def sample(
    graph: Graph, model: str, positive: Slot, seed: int, steps: int, best_noise: dict | None = None, **sampler: object
) -> tuple[str, str]:
    """Add the sampler on what `model`, a Load Embedded Model, gives. Returns the keys of the picture and the report.

    Args:
        best_noise: `tries` and `try_steps` of a DSG Best Noise before it.
    """
    inputs = sampler | {
        "model": [model, 0],
        "positive": positive,
        "negative": [model, 2],
        "latent_image": [model, 4],
        "vae": [model, 3],
        "seed": seed,
        "steps": steps,
        "cfg": 1.0,
        "scheduler": "normal",
        "denoise": 1.0,
    }
    if best_noise:
        best = graph.add("DSG_BestNoise", **inputs, **best_noise)
        inputs |= {"latent_image": [best, 0], "seed": [best, 1]}
    run = graph.add("DSG_KSampler", **inputs)
    decoded = graph.add("VAEDecode", samples=[run, 0], vae=[model, 3])
    return graph.add("PreviewImage", images=[decoded, 0]), graph.add("DSG_GuidanceReport", report=[run, 1])


def run(host: Client, graph: Graph, shown: str, report: str) -> Result:
    outputs = host.run(graph.nodes)
    files = outputs[shown]["images"]
    pictures = [np.asarray(Image.open(io.BytesIO(host.picture(entry))).convert("RGB")) for entry in files]
    return Result(np.stack(pictures), json.loads(outputs[report]["text"][0]))
