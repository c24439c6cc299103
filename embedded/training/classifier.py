"""Train the embedded image classifier: transformers' ResNet (He et al. 2016, arXiv 1512.03385), in small.

    python -m embedded.training.classifier --data DIR --run DIR --minutes 8

It tells the colours of hair, through noise: the gradients of such networks change what people see as well (Kaur et al.
2019, arXiv 1910.08640), where others' mislead a picture. The folder `faces` that it writes is a model as Hugging Face
keeps them, the weights in half precision. `python -m embedded.evaluation.classifier` measures it.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import ResNetConfig, ResNetForImageClassification

from embedded.evaluation.classifier import accuracy, hair_classes
from embedded.face_data import FaceData
from embedded.training.loop import Run, train
from embedded.training.model_folder import MEAN, STD, write_folder
from embedded.training.segmentation import disturb
from guidance_losses.networks.classifier import load_classifier

SIDE = 64
NOISE = 0.5  # the most, as a standard deviation, for pictures in [0, 1]
CONFIG: dict[str, Any] = {
    "embedding_size": 16,
    "hidden_sizes": [16, 24, 32, 32],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
}


def build_network(classes: list[str]) -> ResNetForImageClassification:
    """With fresh weights."""
    numbers = {name: number for number, name in enumerate(classes)}
    return ResNetForImageClassification(ResNetConfig(**CONFIG, id2label=dict(enumerate(classes)), label2id=numbers))


class Batches:
    """Draws disturbed faces `[B, 3, 64, 64]`, in noise, and the number of each one's class `[B]`.

    Attributes:
        classes: their names.
    """

    def __init__(self, split: Path):
        self.data = FaceData(split)
        of_each = hair_classes(self.data)
        self.classes = sorted(set(of_each))
        self.numbers = torch.tensor([self.classes.index(name) for name in of_each])

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        index = torch.randint(len(self.data), (size,), generator=generator)
        images = disturb(self.data.images(index), generator)
        amount = NOISE * torch.rand(size, 1, 1, 1, generator=generator)
        return images + amount * torch.randn(images.shape, generator=generator), self.numbers[index]


def classifier_loss(
    network: ResNetForImageClassification, batches: Batches
) -> Callable[[int, torch.Generator], Tensor]:
    """Cross entropy."""

    def loss(size: int, generator: torch.Generator) -> Tensor:
        images, numbers = batches(size, generator)
        return F.cross_entropy(network((images - MEAN) / STD).logits, numbers)

    return loss


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=8, batch_size=64, peak=3e-3)
    batches = Batches(options.data / "train")
    network = build_network(batches.classes)
    seen = train(network, classifier_loss(network, batches), run)
    write_folder(network, run.folder / "faces", "ConvNextImageProcessor", SIDE)
    print(f"{seen} samples, written to {run.folder / 'faces'}")
    trained = load_classifier(run.folder / "faces")
    print(f"test accuracy: {accuracy(trained, FaceData(options.data / 'test')):.4f}")


if __name__ == "__main__":
    main()
