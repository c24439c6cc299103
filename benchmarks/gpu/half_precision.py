"""Gradients in half precision against those in single precision.

A single step of DPS from the middle of the noise to the end moves the latent along the gradient, and along nothing
else: what it changes in the unguided step's is the gradient as the whole host computes it.
"""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from benchmarks.gpu.bench import Bench
from benchmarks.gpu.row import Row
from benchmarks.gpu.run import Run
from benchmarks.gpu.scale import Scale

KIND = "gradients in half precision against fp32's"
MODES = ["exact", "low memory", "finite difference"]


def change(bench: Bench, setting: Run, precision: str) -> tuple[Tensor, float]:
    """The guided step's change of the unguided one's latent, and the length of the gradient."""
    guided = bench.plain(replace(setting, precision=precision))
    unguided = bench.plain(replace(setting, precision=precision, gradient=None))
    return (guided.latent - unguided.latent).flatten(), guided.report["steps"][0]["gradient_norm"][0]


def compared(bench: Bench, setting: Run, precision: str) -> dict:
    expected, length = change(bench, setting, "fp32")
    found, own_length = change(bench, setting, precision)
    cosine = torch.cosine_similarity(found.double(), expected.double(), dim=0).item()
    return {"cosine": round(cosine, 4), "length": round(own_length / length, 3)}


def rows(scale: Scale, family: str) -> list[Row]:
    single = scale.setting(family, method="DPS", steps=1, denoise=0.5, keep=True)
    return [
        Row(
            KIND,
            {"model": family, "decoder": single.decoder, "precision": precision, "gradient": mode},
            partial(compared, setting=replace(single, gradient=mode), precision=precision),
        )
        for precision in ("fp16", "bf16")
        for mode in MODES
    ]
