"""Losses on a conditioning: how they get there, and when and where they count.

What the host's nodes say of a conditioning holds for the losses on it: its range of the run
(ConditioningSetTimestepRange) and its part of the picture (ConditioningSetArea, ConditioningSetMask).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..guidance_losses import FrameChoice, Loss

LOSSES = "dsg_losses"  # our key in a conditioning's dict


@dataclass(frozen=True, eq=False)
class AppliedLoss:
    """A loss on a conditioning, with what the user set on its node.

    Attributes:
        loss: see `guidance_losses.Loss`.
        node: the name of its node that the user sees, for messages.
        weight: factor in the sum.
        start_percent, end_percent: where in the run it counts, in [0, 1].
        restore: applied to the finished pictures, `[B, 3, H, W] → [B, 3, H, W]`.
        patchers: the loss's networks, as the host's ModelPatcher.
        where: `[N, 1, H, W]` in [0, 1]: the part of the picture that the loss may change. None: all of it.
        tried: whether it is tried on pictures before the run, as one of another pack's.
        frames: those of a video that it looks at. None: as the loss itself has it, or all.
        chooser: the name of the node that chose them.
        no_still: why it takes a video alone, in a sentence. None: it takes still pictures too.
    """

    loss: Loss
    node: str
    weight: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0
    restore: Callable[[Tensor], Tensor] | None = None
    patchers: list = field(default_factory=list)
    where: Tensor | None = None
    tried: bool = False
    frames: FrameChoice | None = None
    chooser: str | None = None
    no_still: str | None = None


def with_models(conditioning: list, patchers: list) -> list:
    """A copy of the conditioning that has the host load these networks together with the model."""
    return [
        [tensor, options | {"additional_models": [*options.get("additional_models", []), *patchers]}]
        for tensor, options in conditioning
    ]


def apply_loss(conditioning: list, applied: AppliedLoss) -> list:
    """A copy of the conditioning that carries one more loss."""
    loaded = with_models(conditioning, applied.patchers) if applied.patchers else conditioning
    return [[tensor, options | {LOSSES: (*options.get(LOSSES, ()), applied)}] for tensor, options in loaded]


def choose_frames(conditioning: list, frames: FrameChoice, chooser: str) -> list:
    """A copy of the conditioning whose losses look at these frames alone; those that have some already keep theirs."""
    chosen: dict[AppliedLoss, AppliedLoss] = {}  # copies of a conditioning carry the same loss
    for applied in losses_on(conditioning).values():
        chosen[applied] = applied if applied.frames else replace(applied, frames=frames, chooser=chooser)
    return [
        [tensor, options | {LOSSES: tuple(chosen[applied] for applied in options.get(LOSSES, ()))}]
        for tensor, options in conditioning
    ]


@dataclass(frozen=True)
class CarriedLoss:
    """A loss, and the processed conditionings of a run that carry it: one, or several that were copied or combined."""

    applied: AppliedLoss
    carriers: list[dict]

    def counts(self, sigma: float) -> bool:
        """Whether one of its conditionings counts in a step at this noise level, by the host's own rule."""
        level = torch.tensor(sigma, dtype=torch.float32)
        return any(
            not (level > options.get("timestep_start", float("inf")) or level < options.get("timestep_end", 0.0))
            for options in self.carriers
        )

    def region(self, latent: Tensor) -> Tensor | None:
        """The part of the picture that its conditionings are about, `[B, 1, h, w]` of latents in [0, 1]. None: all."""
        parts = [region_of(options, latent) for options in self.carriers]
        whole = [part for part in parts if part is not None]
        return torch.stack(whole).amax(0) if len(whole) == len(parts) else None


def carried_losses(conditionings: list[dict]) -> list[CarriedLoss]:
    """The losses in conditioning dicts, each once, in the order in which they were applied."""
    carriers: dict[AppliedLoss, list[dict]] = {}
    for options in conditionings:
        for applied in options.get(LOSSES, ()):
            carriers.setdefault(applied, []).append(options)
    return [CarriedLoss(*item) for item in carriers.items()]


def losses_on(conditioning: list) -> dict[str, AppliedLoss]:
    """Name → loss, of a CONDITIONING, each once, in the order in which they were applied."""
    losses = [carried.applied for carried in carried_losses([options for _, options in conditioning])]
    return dict(zip(numbered([applied.loss.name for applied in losses]), losses))


def numbered(names: list[str]) -> list[str]:
    """Names that differ: the second "mask" becomes "mask 2"."""
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    return [name if count == 1 else f"{name} {count}" for name, count in zip(names, counts)]


def region_of(options: dict, latent: Tensor) -> Tensor | None:
    """The part of the picture that one processed conditioning is about, as the host has resolved it. None: all."""
    mask, area = options.get("mask"), options.get("area")
    if mask is None and area is None:
        return None
    size = latent.shape[-2:]
    region = torch.ones(len(latent), 1, *size, device=latent.device)
    if mask is not None:
        flat = mask.to(region).reshape(-1, 1, *mask.shape[-2:]).clamp(0, 1)
        region = region * (flat if len(flat) == len(latent) else flat[:1])
    if area is not None:
        half = len(area) // 2  # the sizes of each dimension, then where it begins
        (height, width), (top, left) = area[half - 2 : half], area[-2:]
        inside = torch.zeros_like(region)
        inside[..., top : top + height, left : left + width] = 1
        region = region * inside
    return region
