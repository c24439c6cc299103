"""Train the embedded segmentation network: transformers' SegFormer (Xie et al. 2021, arXiv 2105.15203), in small.

    python -m embedded.training.segmentation --data DIR --run DIR --minutes 15

Its first stage keeps every pixel (stride 1, where SegFormer has 4), because eyes and mouths are two or three pixels
high. The folder `faces` that it writes is a model as Hugging Face keeps them, the weights in half precision.
`python -m embedded.evaluation.segmentation` measures it.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from embedded.evaluation.segmentation import intersection_over_union
from embedded.face_data import CLASSES, FaceData
from embedded.training.loop import Run, train
from embedded.training.model_folder import MEAN, STD, write_folder
from guidance_losses.networks.segmentation import load_segmentation_network

SIDE = 64
CONFIG: dict[str, Any] = {
    "patch_sizes": [5, 3, 3, 3],
    "strides": [1, 2, 2, 2],
    "hidden_sizes": [16, 32, 64, 96],
    "depths": [1, 1, 1, 1],
    "num_attention_heads": [1, 2, 4, 8],
    "mlp_ratios": [2, 2, 2, 2],
    "sr_ratios": [16, 8, 4, 2],  # keys and values at 4×4 in every stage
    "decoder_hidden_size": 32,
    "initializer_range": 0.1,  # wider than the usual 0.02, as layers so narrow need it; it learns much faster
    "drop_path_rate": 0.0,  # it is too small, and trained too shortly, to fit its data too well
    "classifier_dropout_prob": 0.0,
}


def build_network() -> SegformerForSemanticSegmentation:
    """With fresh weights, on attention as matrix products, which here train faster than the fused kernel."""
    names = dict(enumerate(CLASSES))
    numbers = {name: number for number, name in names.items()}
    config = SegformerConfig(**CONFIG, id2label=names, label2id=numbers)
    config._attn_implementation = "eager"
    return SegformerForSemanticSegmentation(config)


def disturb(images: Tensor, generator: torch.Generator) -> Tensor:
    """Faces `[B, 3, H, W]` in [0, 1] as guidance may show them: a third each blurred, pale, noisy, by chance."""

    def chosen() -> Tensor:
        return torch.rand(len(images), generator=generator) < 1 / 3

    def uniform(low: float, high: float, count: Tensor, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(int(count.sum()), *shape, generator=generator)

    blurred, pale, noisy = chosen(), chosen(), chosen()
    images = images.clone()
    if blurred.any():
        images[blurred] = gaussian_blur2d(images[blurred], 13, uniform(0.3, 3, blurred, 1).expand(-1, 2))
    mean = images[pale].mean((1, 2, 3), keepdim=True)
    images[pale] = mean + uniform(0.3, 1, pale, 1, 1, 1) * (images[pale] - mean)
    noise = torch.randn(images[noisy].shape, generator=generator)
    images[noisy] += uniform(0, 0.1, noisy, 1, 1, 1) * noise
    return images


class Batches:
    """Draws disturbed faces `[B, 3, 64, 64]`, about in [0, 1], and their maps `[B, 64, 64]`."""

    def __init__(self, split: Path):
        self.data = FaceData(split)

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        index = torch.randint(len(self.data), (size,), generator=generator)
        return disturb(self.data.images(index), generator), self.data.maps(index)


def segmentation_loss(
    network: SegformerForSemanticSegmentation, batches: Batches
) -> Callable[[int, torch.Generator], Tensor]:
    """The model's own loss: cross entropy, each pixel weighing the same."""

    def loss(size: int, generator: torch.Generator) -> Tensor:
        images, maps = batches(size, generator)
        with torch.autocast("cpu", torch.bfloat16):
            return network((images - MEAN) / STD, labels=maps).loss

    return loss


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=15, batch_size=16, peak=4e-3)
    network = build_network()
    seen = train(network, segmentation_loss(network, Batches(options.data / "train")), run)
    write_folder(network, run.folder / "faces", "SegformerImageProcessor", SIDE)
    print(f"{seen} samples, written to {run.folder / 'faces'}")
    trained = load_segmentation_network(run.folder / "faces")
    print(f"test mean IoU: {intersection_over_union(trained, FaceData(options.data / 'test')).mean():.4f}")


if __name__ == "__main__":
    main()
