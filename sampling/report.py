"""What happened in a run, step by step."""

from dataclasses import asdict, dataclass, field
from math import isfinite
from statistics import fmean

from .differentiation.cost import LossCost


@dataclass
class StepRecord:
    """One step. Lists have one value per sample; they are empty where the step was not guided.

    The losses are also empty where the step went on with their last gradient.
    """

    sigma: float
    guidance_rate: float | None = None  # an automatic one: what came of it, as the samples' mean
    gradient_norm: list[float] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)
    costs: dict[str, LossCost] = field(default_factory=dict)
    skipped: int = 0  # samples whose gradient was zero or not finite, and that took the unguided step


@dataclass
class RunReport:
    """A run of one method.

    Attributes:
        method: its name.
        steps: one record for each step, in order; of a step that is repeated, the last time.
        gradient_modes: how the denoiser's gradient was computed, in the order in which the run changed to them.
        agreement: what a test step along a gradient changed, over what the gradient said; about 1. None: not taken.
        remarks: what the user was told during the run, in sentences.
    """

    method: str
    steps: list[StepRecord] = field(default_factory=list)
    gradient_modes: list[str] = field(default_factory=list)
    agreement: float | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def guided_steps(self) -> int:
        return sum(bool(step.gradient_norm) for step in self.steps)

    @property
    def skipped(self) -> int:
        """Sample steps that were to be guided and were not, because their gradient was zero or not finite."""
        return sum(step.skipped for step in self.steps)

    @property
    def guided_sample_steps(self) -> int:
        """Sample steps that were to be guided."""
        return sum(len(step.gradient_norm) for step in self.steps)

    @property
    def not_fallen(self) -> list[tuple[str, float, float]]:
        """The losses that were no smaller in the last step that computed them than in the first; both means."""
        means: dict[str, list[float]] = {}
        for step in self.steps:
            for name, values in step.losses.items():
                means.setdefault(name, []).append(fmean(values))
        return [(name, each[0], each[-1]) for name, each in means.items() if len(each) > 1 and each[-1] >= each[0] > 0]

    @property
    def not_finite(self) -> list[str]:
        """The losses that were NaN or infinite in some step."""
        every = [(name, value) for step in self.steps for name, values in step.losses.items() for value in values]
        return list(dict.fromkeys(name for name, value in every if not isfinite(value)))

    @property
    def costs(self) -> dict[str, LossCost]:
        """What each loss costs, by the step in which that was measured."""
        return {name: cost for step in self.steps for name, cost in step.costs.items()}

    def to_dict(self) -> dict:
        costs = {name: cost._asdict() for name, cost in self.costs.items()}
        steps = [{name: value for name, value in asdict(step).items() if name != "costs"} for step in self.steps]
        totals = {"guided_steps": self.guided_steps, "skipped": self.skipped, "gradient_modes": self.gradient_modes}
        totals |= {"agreement": self.agreement, "remarks": self.remarks}
        return {"method": self.method} | totals | {"costs": costs, "steps": steps}
