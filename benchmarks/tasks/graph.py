"""Graphs of guided runs on the embedded models, as the host's HTTP API takes them."""

import io
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
        key = str(len(self.nodes) + 1)
        self.nodes[key] = {"class_type": kind, "inputs": inputs}
        return key

    def add_sampler(self, model: str, positive: Slot, seed: int, steps: int, **sampler: object) -> str:
        """A DSG KSampler on what the node `model`, a Load Embedded Model, gives, and what shows its pictures.

        Returns the key of the node that shows them.
        """
        run = self.add(
            "DSG_KSampler",
            model=[model, 0],
            positive=positive,
            negative=[model, 2],
            latent_image=[model, 4],
            vae=[model, 3],
            seed=seed,
            steps=steps,
            cfg=1.0,
            scheduler="normal",
            denoise=1.0,
            **sampler,
        )
        decoded = self.add("VAEDecode", samples=[run, 0], vae=[model, 3])
        return self.add("PreviewImage", images=[decoded, 0])

    def pictures(self, host: Client, shown: str) -> np.ndarray:
        """Run it: what the node `shown` shows, uint8 `[N, H, W, 3]`."""
        files = host.run(self.nodes)[shown]["images"]
        return np.stack([np.asarray(Image.open(io.BytesIO(host.picture(entry))).convert("RGB")) for entry in files])
