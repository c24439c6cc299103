"""One way to sample: a model, a method with its one number, a number of steps."""

from dataclasses import dataclass

from tools.graph import Graph, Slot, sample

FLOW, V_PREDICTION = "faces (flow matching)", "faces"
AS_THE_METHOD = "as the method has it"


@dataclass(frozen=True)
class Setting:
    """A method as it is compared.

    Attributes:
        method: a name of the Guidance Method node, or "unguided".
        strength: on the sphere the guidance rate, otherwise the step size.
        constraint: of the Guidance Method node.
        automatic: the rate tunes itself; strength is its share.
        interval, reuse: which steps compute the losses, and whether those in between reuse their gradient.
        steps, model: of the run.
        recurrence: how often each guided step is taken; 0: as the method has it.
        tries: noises a picture, of which DSG Best Noise chooses by the first quarter of the run.
    """

    method: str
    strength: float = 0.0
    constraint: str = AS_THE_METHOD
    automatic: bool = False
    interval: int = 1
    reuse: bool = False
    steps: int = 20
    model: str = FLOW
    tries: int = 1
    recurrence: int = 0

    @property
    def guided(self) -> bool:
        return self.method != "unguided"

    @property
    def spherical(self) -> bool:
        """Whether the strength is a guidance rate."""
        return self.constraint == "spherical" or (self.constraint == AS_THE_METHOD and self.method == "DSG")

    @property
    def method_inputs(self) -> dict[str, object]:
        """Of the Guidance Method node."""
        inputs: dict[str, object] = {"method": self.method, "step_size": 0.0 if self.spherical else self.strength}
        inputs |= {"recurrence": self.recurrence} if self.recurrence else {}
        return inputs if self.constraint == AS_THE_METHOD else inputs | {"constraint": self.constraint}

    @property
    def key(self) -> str:
        """A name for files."""
        constraint = "spherical" if self.spherical else "none"
        words = [self.model.replace(" (flow matching)", "_flow"), self.method, constraint, f"{self.strength:g}"]
        rare = [f"every {self.interval}{', reused' if self.reuse else ''}"] if self.interval > 1 else []
        rare += [f"best of {self.tries}"] if self.tries > 1 else []
        rare += [f"each {self.recurrence} times"] if self.recurrence else []
        return "-".join([*words, *rare, "automatic" if self.automatic else "fixed", str(self.steps)])

    def sample(self, graph: Graph, model: str, positive: Slot, seed: int) -> tuple[str, str]:
        """Add the sampler with this method; see `graph.sample`."""
        settings: dict[str, object] = {"guidance_rate": 0.0}
        if self.guided:
            method = graph.add("DSG_GuidanceMethod", **self.method_inputs)
            settings = {"guidance_rate": self.strength if self.spherical else 0.0, "method": [method, 0]}
        whole = {"start_percent": 0.0, "end_percent": 1.0}
        if self.automatic:
            settings["rate_blend"] = [graph.add("DSG_AutomaticGuidanceRate", share=self.strength, **whole), 0]
        if self.interval > 1:
            rates = {"start_rate": self.strength, "end_rate": self.strength, "curve": "linear"} | whole
            rare = {"interval": self.interval, "reuse_gradient": self.reuse}
            settings["rate_blend"] = [graph.add("DSG_GuidanceRateBlend", **rates, **rare), 0]
        best = {"tries": self.tries, "try_steps": self.steps // 4} if self.tries > 1 else None
        return sample(graph, model, positive, seed, self.steps, best, **settings)


UNGUIDED = Setting("unguided")
