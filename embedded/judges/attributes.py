"""A small network that looks at the embedded faces, only to measure: guidance never sees it.

It is a plain convolutional classifier, trained by `embedded.training.attributes_judge` to read off a face what its
caption says. The averages before its last layer are the features in which `embedded.evaluation.frechet` compares sets
of faces.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).parent.parent / "weights" / "faces_judge.safetensors"
SIDE = 64
LAYERS = [(32, 2), (48, 2), (96, 2), (128, 1), (128, 2)]  # channels and stride of each 3×3 convolution
FEATURES = LAYERS[-1][0]


class FaceJudge(nn.Module):
    """Reads the attributes of a face, and gives the features that it reads them from.

    Args:
        classes: for each attribute, in any order, the names of its classes.
    """

    def __init__(self, classes: Mapping[str, list[str]]):
        super().__init__()
        self.classes = dict(classes)
        layers: list[nn.Module] = []
        before = 3
        for channels, stride in LAYERS:
            convolution = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
            layers += [convolution, nn.GroupNorm(8, channels), nn.SiLU()]
            before = channels
        self.layers = nn.Sequential(*layers)
        self.heads = nn.ModuleDict({name: nn.Linear(FEATURES, len(names)) for name, names in self.classes.items()})

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "FaceJudge":
        """The trained network, on the CPU in single precision, its weights without gradient."""
        with safe_open(path, framework="pt") as file:
            judge = cls(json.loads(file.metadata()["classes"]))
            judge.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return judge.eval().requires_grad_(False)

    def features(self, images: Tensor) -> Tensor:
        """`[B, 3, 64, 64]`, RGB in [0, 1] → `[B, 128]`. Give it a few hundred pictures at once, not thousands.

        Raises:
            ValueError: if the pictures have another shape.
        """
        return self.activations(images)[-1].mean((2, 3))

    def activations(self, images: Tensor) -> list[Tensor]:
        """`[B, 3, 64, 64]`, RGB in [0, 1] → what each of the five convolutions gives, `[B, channels, h, w]`.

        Raises:
            ValueError: if the pictures have another shape.
        """
        if images.shape[1:] != (3, SIDE, SIDE):
            raise ValueError(f"FaceJudge: pictures must be [B, 3, {SIDE}, {SIDE}], not {[*images.shape]}.")
        x, found = 2 * images - 1, []
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.SiLU):
                found.append(x)
        return found

    def perceptual_distance(self, images: Tensor, others: Tensor) -> Tensor:
        """How different pictures look to this network: `[B, 3, 64, 64]` twice → `[B]`, 0 for equal pictures.

        The mean squared difference of the activations, their channels scaled to unit length at each place, summed over
        the layers: LPIPS (Zhang et al. 2018, arXiv 1801.03924) without learned weights. Compare it with itself only.
        """
        pairs = zip(self.activations(images), self.activations(others))
        return torch.stack(
            [(F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(1).mean((1, 2)) for a, b in pairs]
        ).sum(0)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """`[B, 3, 64, 64]`, RGB in [0, 1] → for each attribute the logits of its classes, `[B, classes]`."""
        features = self.features(images)
        return {name: head(features) for name, head in self.heads.items()}

    def attributes(self, images: Tensor) -> dict[str, list[str]]:
        """`[B, 3, 64, 64]`, RGB in [0, 1] → for each attribute its likeliest class on each of the B pictures."""
        return {
            name: [self.classes[name][index] for index in logits.argmax(1).tolist()]
            for name, logits in self(images).items()
        }
