"""How far one set of faces is from another: the Fréchet distance (Heusel et al. 2017, arXiv 1706.08500).

    python -m embedded.evaluation.frechet --data DIR

makes the reference statistics, `embedded/weights/faces_reference.safetensors`, anew from the 2,048 test faces that
`embedded/faces/draw.mjs` drew, and prints distances between sets that are known to be close or far. The features are
those of `embedded.judges.attributes.FaceJudge`, so the numbers compare with each other, never with an Inception FID.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor

from embedded.held_out import STYLES
from embedded.judges.attributes import WEIGHTS, FaceJudge

REFERENCE = WEIGHTS.with_name("faces_reference.safetensors")


class Statistics(NamedTuple):
    """A set of features as a Gaussian: mean `[D]` and covariance `[D, D]`, float64."""

    mean: np.ndarray
    covariance: np.ndarray


def statistics(features: Tensor) -> Statistics:
    """Of features `[N, D]`.

    Raises:
        ValueError: with fewer than two samples, which have no covariance.
    """
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"A Fréchet distance needs features [N, D] of at least 2 pictures, not {[*features.shape]}.")
    values = features.double().cpu().numpy()
    return Statistics(values.mean(0), np.cov(values, rowvar=False))


def reference_statistics() -> Statistics:
    """Of the 2,048 test faces: 512 people that no embedded model was trained on, four pictures of each."""
    return Statistics(**load_file(REFERENCE))


def frechet_distance(features_a: Tensor | Statistics, features_b: Tensor | Statistics) -> float:
    """‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½): as with the FID, the distance's square.

    Few samples make it too large: a covariance of N samples is noisy in every direction, and each set adds about c / N
    to what infinitely many faces would give. Real faces, held out, with 0 the right answer, are from the reference's
    2,048 (512 people) this far away: 28 with N = 64, 7.4 with 256, 3.6 with 1,024, 2.7 with 2,048. So compare only
    distances of the same N, give that of as many real faces beside them, and take at least 1,000 pictures to tell good
    models apart.

    Args:
        features_a, features_b: features `[N, D]`, N at least 2 and not necessarily the same, or their statistics.
    """
    a, b = (each if isinstance(each, Statistics) else statistics(each) for each in (features_a, features_b))
    # (Σ_a Σ_b)^½ has the trace of the singular values of Σ_a^½ Σ_b^½, which exist also when a covariance is singular.
    root = np.linalg.norm(square_root(a.covariance) @ square_root(b.covariance), "nuc")
    difference = a.mean - b.mean
    return float(difference @ difference + np.trace(a.covariance) + np.trace(b.covariance) - 2 * root)


def square_root(matrix: np.ndarray) -> np.ndarray:
    """The root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(values.clip(0)) @ vectors.T


def main(data: Path) -> None:
    judge = FaceJudge.load()
    generator = torch.Generator().manual_seed(0)
    pictures = {
        split: torch.from_numpy(np.load(data / split / "images.npy")).permute(0, 3, 1, 2) / 255
        for split in ("test", "validation")
    }

    def features(images: Tensor) -> Tensor:
        return torch.cat([judge.features(batch) for batch in images.split(256)])

    reference = statistics(features(pictures["test"]))
    save_file(reference._asdict(), REFERENCE)

    def show(name: str, images: Tensor) -> None:
        print(f"{name:36s} {frechet_distance(features(images), reference):8.2f}")

    print("distance from the 2,048 test faces")
    show("themselves", pictures["test"])
    faces = pictures["validation"]
    for count in (64, 256, 1024, 2048):
        show(f"{count} validation faces", faces[torch.randperm(len(faces), generator=generator)[:count]])
    for sigma in (0.02, 0.05, 0.1, 0.2):
        noise = torch.randn(faces.shape, generator=generator)
        show(f"2048 validation faces, noise {sigma}", (faces + sigma * noise).clamp(0, 1))
    labels = [json.loads(line)["style"] for line in (data / "validation/faces.jsonl").open(encoding="utf-8")]
    for style in STYLES:
        show(f"512 validation faces, {style} only", faces[torch.tensor([label == style for label in labels])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote: test/, validation/")
    main(parser.parse_args().data)
