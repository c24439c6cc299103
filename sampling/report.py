"""What happened in a run, step by step."""

from dataclasses import asdict, dataclass, field


@dataclass
class StepRecord:
    """One step. Lists have one value per sample; they are empty where the step was not guided."""

    sigma: float
    guidance_rate: float | None = None
    gradient_norm: list[float] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)
    skipped: int = 0  # samples whose gradient was zero or not finite, and that took the unguided step


@dataclass
class RunReport:
    """A run of one method. `steps` has one record for each step, in order."""

    method: str
    steps: list[StepRecord] = field(default_factory=list)

    @property
    def guided_steps(self) -> int:
        return sum(bool(step.losses) for step in self.steps)

    @property
    def skipped(self) -> int:
        """Sample steps that were to be guided and were not, because their gradient was zero or not finite."""
        return sum(step.skipped for step in self.steps)

    def to_dict(self) -> dict:
        return {"guided_steps": self.guided_steps, "skipped": self.skipped} | asdict(self)
