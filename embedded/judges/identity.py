"""A second face identity network, only to measure: guidance never sees it.

It has another architecture than the network that guides (plain convolutions, no residual blocks), another seed and
another loss; `training/identity_judge.py` trained it.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).parent.parent / "weights" / "identity_judge.safetensors"
SIDE = 64
LAYERS = [(32, 2), (48, 2), (80, 1), (96, 2), (112, 2)]  # channels and stride of each 3×3 convolution
EMBEDDING = 64


class IdentityJudge(nn.Module):
    """Says how alike the persons on two faces are."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, side = 3, SIDE
        for channels, stride in LAYERS:
            convolution = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
            layers += [convolution, nn.GroupNorm(8, channels), nn.SiLU()]
            before, side = channels, side // stride
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * side**2, EMBEDDING))

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "IdentityJudge":
        """The trained network, on the CPU in single precision, its weights without gradient."""
        judge = cls()
        judge.load_state_dict(load_file(path))
        return judge.eval().requires_grad_(False)

    def forward(self, faces: Tensor) -> Tensor:
        """`[B, 3, 64, 64]`, RGB in [0, 1] → embeddings `[B, 64]` of length 1. At most a few hundred faces at once.

        Raises:
            ValueError: if the faces have another shape.
        """
        if faces.shape[1:] != (3, SIDE, SIDE):
            raise ValueError(f"IdentityJudge: faces must be [B, 3, {SIDE}, {SIDE}], not {[*faces.shape]}.")
        return F.normalize(self.layers(2 * faces - 1))

    def similarity(self, faces: Tensor, others: Tensor) -> Tensor:
        """`[B, 3, 64, 64]` twice → the cosine of the embeddings of each pair, `[B]`, in [−1, 1]."""
        return torch.linalg.vecdot(self(faces), self(others))
