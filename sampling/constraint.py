"""What a method's displacement is put through before it becomes a step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .per_sample import per_sample, usable
from .rate import GuidedSteps
from .step import Posterior, Step


class Proposal(NamedTuple):
    """Where a method would have the sample go.

    displacement: x_s moved minus x_s unguided, `[B, ...]`; gradient_norm: of the losses' gradient, `[B]`; excess: what
    counts of the losses, `[B]`, in the units of that gradient; step: from t to s; when: the guided steps of the run.
    """

    displacement: Tensor
    gradient_norm: Tensor
    excess: Tensor
    step: Step
    when: GuidedSteps

    @property
    def progress(self) -> float:
        """The share of the guided range that is over, in [0, 1]."""
        return self.when.progress(self.step.percent)


class Constraint(Protocol):
    """How a proposal becomes x_s.

    Attributes:
        needs_noise: whether there is no such step where the solver draws no noise.
        only_as_needed: whether losses count by what exceeds their floor, and not at all below it.
    """

    @property
    def needs_noise(self) -> bool: ...

    @property
    def only_as_needed(self) -> bool: ...

    def step(
        self, unguided: Posterior, noise: Tensor, proposal: Proposal, region: Tensor | None = None
    ) -> tuple[Tensor, float | None]:
        """x_s, `[B, ...]`, and the guidance rate that was applied, if there is one.

        Args:
            unguided: the Gaussian that x_s is drawn from without guidance.
            noise: N(0, I), of its shape.
            region: see `where_guided`.
        """


@dataclass(frozen=True)
class Unconstrained:
    """The displacement as it is."""

    needs_noise = False
    only_as_needed = False

    def step(
        self, unguided: Posterior, noise: Tensor, proposal: Proposal, region: Tensor | None = None
    ) -> tuple[Tensor, float | None]:
        def moved(_noise: Tensor, displacement: Tensor) -> Tensor:
            return unguided.sample(noise) + displacement

        return where_guided(moved, unguided, noise, proposal.displacement, region), None


def where_guided(
    formula: Callable[[Tensor, Tensor], Tensor],
    unguided: Posterior,
    noise: Tensor,
    direction: Tensor,
    region: Tensor | None,
) -> Tensor:
    """The guided sample where a sample's direction is usable and its elements are free, the unguided one elsewhere.

    Args:
        formula: noise and direction, each zero where elements are not free → the guided sample. All `[B, ...]`.
        region: bool, broadcastable to that shape: the elements that are free to move. None: all are free.
    """
    noise_there, direction = free(noise, region), free(direction, region)
    guide = per_sample(usable(direction), noise)
    if region is not None:
        guide = guide & region
    return torch.where(guide, formula(noise_there, direction), unguided.sample(noise))


def free(x: Tensor, region: Tensor | None) -> Tensor:
    """x `[B, ...]` in the region, and 0 elsewhere."""
    return x if region is None else torch.where(region, x, 0)
