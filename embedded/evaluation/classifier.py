"""How well the embedded image classifier tells the colours of hair.

    python -m embedded.evaluation.classifier --data DIR

measures it on the test split that `embedded/faces/draw.mjs` drew: 512 people that it has not seen, 4 pictures each. The
judge of attributes (`embedded.evaluation.attributes`) reads the same.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from embedded.evaluation.attributes import NONE
from embedded.evaluation.segmentation import blur
from embedded.face_data import FaceData
from guidance_losses.networks.classifier import ClassifierNetwork, load_classifier
from tools.comfyui import REPOSITORY

WEIGHTS = REPOSITORY / "embedded" / "weights" / "classifier" / "faces"
BATCH = 64


def hair_class(color: str | None) -> str:
    """What the class is called of hair of that colour; of none to be seen."""
    return f"{color} hair" if color and color != NONE else "no hair"


def hair_classes(faces: FaceData) -> list[str]:
    """Of each picture."""
    return [hair_class(face["hair_color"]) for face in faces.faces]


@torch.no_grad()
def accuracy(network: ClassifierNetwork, faces: FaceData, change: Callable[[Tensor], Tensor] | None = None) -> float:
    """The share of a split's pictures on which the likeliest class is the right one.

    Args:
        change: what is done to the pictures before.
    """
    found: list[int] = []
    for start in range(0, len(faces), BATCH):
        images = faces.images(slice(start, start + BATCH))
        found += network(change(images) if change else images).argmax(1).tolist()
    right = [network.labels[number] == name for number, name in zip(found, hair_classes(faces))]
    return sum(right) / len(right)


def measure(data: Path) -> dict[str, dict[str, float]]:
    """All figures, on the test split under `data`."""
    network, faces = load_classifier(WEIGHTS), FaceData(data / "test")
    figures = {"accuracy": accuracy(network, faces), "accuracy, blurred by 2 pixels": accuracy(network, faces, blur)}
    return {"guidance": figures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote: test/")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
