"""Short guided runs on an embedded model, whose model, VAE and conditionings tests may change on the way."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TypeVar

from embedded.held_out import STYLES
from tasks.wiring import Batch, inpainting
from tools.graph import Graph, Slot
from tools.server import Client

T = TypeVar("T")


def once(function: Callable[..., T]) -> Callable[..., T]:
    """What it gave the first time: a prompt that is run again gives the same bits, as `test_determinism.py` holds."""
    given: dict[str, T] = {}

    @wraps(function)
    def remembered(*args: object, **named: object) -> T:
        key = repr((args, named))
        if key not in given:
            given[key] = function(*args, **named)
        return given[key]

    return remembered


@dataclass
class Run:
    """A run under construction: change its slots, or inputs of the sampler, then `latent`.

    custom: by the host's SamplerCustom rather than by the DSG KSampler.
    """

    gradient: str = "exact"
    steps: int = 4
    size: int = 1
    cfg: float = 1.0
    custom: bool = False
    graph: Graph = field(default_factory=Graph)
    inputs: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        loaded = self.graph.add(
            "DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style=STYLES[0], batch_size=self.size
        )
        self.model, self.positive, self.negative = [loaded, 0], [loaded, 1], [loaded, 2]
        self.vae, self.latent_image = [loaded, 3], [loaded, 4]

    def through(self, kind: str, what: str = "model", **inputs: object) -> None:
        """Put a node of the host's on the way of the model, the latent or a conditioning."""
        name = {"positive": "conditioning", "negative": "conditioning", "latent_image": "samples"}.get(what, what)
        setattr(self, what, [self.graph.add(kind, **{name: getattr(self, what)}, **inputs), 0])

    def guide(self, wire=inpainting) -> None:
        self.positive = wire(self.graph, self.positive, Batch(0, self.size))

    def method(self) -> Slot:
        return [self.graph.add("DSG_GuidanceMethod", method="DSG", step_size=0.0, gradient=self.gradient), 0]

    def sampled(self) -> str:
        """Add the sampler. Its key."""
        graph = self.graph
        steering = {"vae": self.vae, "guidance_rate": 0.2, "method": self.method()}
        common = {"model": self.model, "positive": self.positive, "negative": self.negative, "cfg": self.cfg}
        common |= {"latent_image": self.latent_image}
        schedule = {"scheduler": "normal", "steps": self.steps, "denoise": 1.0}
        if not self.custom:
            return graph.add("DSG_KSampler", **(common | steering | schedule | {"seed": 0} | self.inputs))
        sampler = [graph.add("DSG_Sampler", eta=1.0, **steering), 0]
        sigmas = [graph.add("BasicScheduler", model=self.model, **schedule), 0]
        inputs = common | {"add_noise": True, "noise_seed": 0, "sampler": sampler, "sigmas": sigmas}
        return graph.add("SamplerCustom", **(inputs | self.inputs))

    def outcome(self, host: Client, extra_data: dict | None = None) -> tuple[list[float], dict]:
        """The finished latent's numbers, and the report; of a custom run there is none."""
        run = self.sampled()
        bits = self.graph.add("Test_LatentNumbers", latent=[run, 0])
        shown = None if self.custom else self.graph.add("DSG_GuidanceReport", report=[run, 1])
        outputs = host.run(self.graph.nodes, extra_data=extra_data)
        return json.loads(outputs[bits]["text"][0])["values"], json.loads(outputs[shown]["text"][0]) if shown else {}


def losses(report: dict) -> list[float]:
    """The first loss's mean in each step that computed it."""
    steps = [list(step["losses"].values()) for step in report["steps"] if step["losses"]]
    return [sum(step[0]) / len(step[0]) for step in steps]


def apart(a: list[float], b: list[float]) -> float:
    """The largest difference of two latents."""
    return max(abs(x - y) for x, y in zip(a, b, strict=True))
