"""The training loop of all embedded models: seeded, resumable, bounded by minutes.

The run folder keeps a checkpoint, written every few minutes; the same command resumes from it and stops when the
minutes of training, all runs together, are spent. The learning rate follows the share of the minutes spent, down to
zero. What is trained in the end are the averaged weights.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

SAVE_SECONDS = 180


@dataclass(frozen=True)
class Run:
    """Where and how long to train.

    Attributes:
        folder: keeps the checkpoint, and the model in the end.
        minutes: of training, all runs together.
        peak: the highest learning rate.
    """

    folder: Path
    minutes: float
    batch_size: int
    peak: float
    seed: int

    @classmethod
    def parse(
        cls, parser: argparse.ArgumentParser, minutes: float, batch_size: int, peak: float
    ) -> tuple["Run", argparse.Namespace]:
        """Read the command line, with these defaults. Returns the run and all options, `data` among them."""
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("--data", type=Path, required=True, help="the folder that faces/draw.mjs wrote")
        parser.add_argument("--run", type=Path, required=True, help="keeps the checkpoint, and the model in the end")
        parser.add_argument("--minutes", type=float, default=minutes)
        parser.add_argument("--batch-size", type=int, default=batch_size)
        parser.add_argument("--peak", type=float, default=peak, help="the highest learning rate")
        parser.add_argument("--seed", type=int, default=0)
        options = parser.parse_args()
        run = cls(options.run, options.minutes, options.batch_size, options.peak, options.seed)
        run.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(run.seed)
        return run, options


def learning_rate(progress: float, step: int, peak: float) -> float:
    """Linear warm-up over 200 steps, then a cosine down to zero over the minutes given."""
    return peak * min(1, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))


def ema_decay(step: int) -> float:
    """The average's memory grows with the run (Karras et al. 2024, arXiv 2312.02696) and ends at a thousand steps."""
    return min(0.999, (step + 1) / (step + 10))


def update_average(average: dict[str, Tensor], weights: dict[str, Tensor], decay: float) -> None:
    for name, tensor in weights.items():
        if tensor.is_floating_point():
            average[name].lerp_(tensor, 1 - decay)
        else:
            average[name].copy_(tensor)


def train(network: nn.Module, loss: Callable[[int, torch.Generator], Tensor], run: Run) -> int:
    """Minimise a loss, and leave the averaged weights in the network. Returns the number of samples seen.

    Args:
        network: what is trained; a head that only training needs belongs into it.
        loss: `(batch size, generator) → scalar`: draws a batch and gives its loss.
    """
    checkpoint = run.folder / "checkpoint.pt"
    generator = torch.Generator().manual_seed(run.seed)
    average = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    step, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        average, step, spent = state["average"], state["step"], state["spent"]

    def save() -> None:
        state = {
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "generator": generator.get_state(),
        }
        torch.save(state | {"average": average, "step": step, "spent": spent}, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    network.train()
    losses: list[float] = []
    saved = spent
    while spent < run.minutes * 60:
        began = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(spent / (run.minutes * 60), step, run.peak)
        value = loss(run.batch_size, generator)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        update_average(average, network.state_dict(), ema_decay(step))
        step += 1
        spent += time.monotonic() - began
        losses.append(value.item())
        if step % 100 == 0:
            done = f"{spent / 60:6.1f} min, {step * run.batch_size:8d} samples"
            rate = optimizer.param_groups[0]["lr"]
            print(f"{done}, loss {np.mean(losses[-100:]):.4f}, learning rate {rate:.1e}", flush=True)
        if spent - saved > SAVE_SECONDS:
            saved = spent
            save()
    save()
    network.load_state_dict(average)
    network.eval()
    return step * run.batch_size
