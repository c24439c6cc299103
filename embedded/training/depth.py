"""Train the embedded depth network: transformers' DPT (Ranftl et al. 2021, arXiv 2103.13413), in small.

    python -m embedded.training.depth --data DIR --run DIR --minutes 15

What is near on a drawing is what lies over other things: see `relief`. The folder `faces` that it writes is a model as
Hugging Face keeps them, the weights in half precision. `python -m embedded.evaluation.depth` measures it.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import DPTConfig, DPTForDepthEstimation

from embedded.evaluation.depth import correlations
from embedded.face_data import FaceData
from embedded.face_parts import relief
from embedded.training.loop import Run, train
from embedded.training.model_folder import MEAN, STD, write_folder
from embedded.training.segmentation import Batches
from guidance_losses.networks.depth import load_depth_network

SIDE = 64
CONFIG: dict[str, Any] = {
    "image_size": SIDE,
    "patch_size": 4,
    "hidden_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "initializer_range": 0.1,  # wider than the usual 0.02, as layers so narrow need it
    "backbone_out_indices": [0, 1, 2, 3],
    "reassemble_factors": [1, 0.5, 0.25, 0.125],  # of 16×16 tokens; the answer has the picture's side
    "readout_type": "ignore",
    "neck_hidden_sizes": [16, 16, 16, 16],
    "fusion_hidden_size": 16,
    "use_auxiliary_head": False,
}


def build_network() -> DPTForDepthEstimation:
    """With fresh weights."""
    return DPTForDepthEstimation(DPTConfig(**CONFIG))


def depth_loss(network: DPTForDepthEstimation, batches: Batches) -> Callable[[int, torch.Generator], Tensor]:
    """The mean absolute difference of the reliefs. Drawings tell their layers, so no factor is unknown."""

    def loss(size: int, generator: torch.Generator) -> Tensor:
        images, maps = batches(size, generator)
        found = network((images - MEAN) / STD).predicted_depth
        return (found - relief(maps)).abs().mean()

    return loss


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=15, batch_size=16, peak=3e-3)
    network = build_network()
    seen = train(network, depth_loss(network, Batches(options.data / "train")), run)
    write_folder(network, run.folder / "faces", "DPTImageProcessor", SIDE)
    print(f"{seen} samples, written to {run.folder / 'faces'}")
    trained = load_depth_network(run.folder / "faces")
    print(f"test mean correlation: {correlations(trained, FaceData(options.data / 'test')).mean():.4f}")


if __name__ == "__main__":
    main()
