"""Reads the splits that `faces/draw.mjs` drew."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

CLASSES = ("background", "skin", "hair", "clothes", "eyes", "mouth", "glasses")  # of the maps, by their number


class FaceData:
    """One split: pictures, maps, and what is known about each.

    Attributes:
        faces: one dict a picture, as in `faces.jsonl`: `style`, `person`, `caption`, …
    """

    def __init__(self, split: Path):
        self.pixels = np.load(split / "images.npy", mmap_mode="r")
        self.classes = np.load(split / "maps.npy", mmap_mode="r")
        with (split / "faces.jsonl").open(encoding="utf-8") as lines:
            self.faces = [json.loads(line) for line in lines]

    def __len__(self) -> int:
        return len(self.faces)

    def images(self, index: Tensor | slice) -> Tensor:
        """`[B, 3, 64, 64]`, RGB in [0, 1]."""
        chosen = self.pixels[index if isinstance(index, slice) else index.numpy()]
        return torch.from_numpy(chosen.copy()).permute(0, 3, 1, 2).float() / 255

    def maps(self, index: Tensor | slice) -> Tensor:
        """`[B, 64, 64]`, int64, a number of `CLASSES` for each pixel."""
        chosen = self.classes[index if isinstance(index, slice) else index.numpy()]
        return torch.from_numpy(chosen.copy()).long()

    def people(self) -> Tensor:
        """`[N]`, int64: the number of the person on each picture, from 0."""
        return torch.tensor([face["person_index"] for face in self.faces])
