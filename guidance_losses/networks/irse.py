"""The IR and IR-SE networks of ArcFace (Deng et al. 2019, arXiv 1801.07698), in the layout of everyone's IR-SE50.

The layout is that of `Backbone` in TreB1eN/InsightFace_Pytorch: `input_layer`, `body`, `output_layer`. A file of
weights does not say what network it is of; the shapes do, and `from_weights` reads it off them.
"""

from collections.abc import Mapping, Sequence
from math import isqrt

import torch
from torch import Tensor, nn

from ..input_error import InputError
from .size_limits import LARGEST_SIDE, build


class SqueezeExcitation(nn.Module):
    """Scales each channel by what the whole picture says of it (Hu et al. 2018, arXiv 1709.01507)."""

    def __init__(self, width: int, squeezed: int):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(width, squeezed, 1, bias=False)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, width, 1, bias=False)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.sigmoid(self.fc2(self.relu(self.fc1(self.avg_pool(x)))))


class Block(nn.Module):
    """The 'improved residual' block of ArcFace, from `before` to `width` channels.

    Args:
        squeezed: the channels inside its squeeze and excitation; 0 for a block without.
    """

    def __init__(self, before: int, width: int, stride: int, squeezed: int):
        super().__init__()
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride)
            if before == width
            else nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, width, 3, padding=1, bias=False),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            *([SqueezeExcitation(width, squeezed)] if squeezed else []),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class IRSE(nn.Module):
    """Faces `[B, 3, input_size, input_size]` in [−1, 1], RGB → embeddings `[B, embedding]`, of any length.

    Each change of width, and the first block, halves the picture.

    Args:
        widths: the channels before the first block, and after each block.
        squeezed: for each block the channels inside its squeeze and excitation; 0 for none.
        input_size: a multiple of the product of all halvings.
    """

    def __init__(self, widths: Sequence[int], squeezed: Sequence[int], input_size: int, embedding: int):
        super().__init__()
        self.input_size = input_size
        strides = strides_of(widths)
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.PReLU(widths[0])
        )
        self.body = nn.Sequential(*map(Block, widths[:-1], widths[1:], strides, squeezed))
        side = input_size // 2 ** strides.count(2)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(widths[-1]),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(widths[-1] * side**2, embedding),
            nn.BatchNorm1d(embedding),
        )

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> "IRSE":
        """The network that a state dict is of, with its weights in it.

        Raises:
            InputError: in one sentence, if it is of another kind of network.
        """
        try:
            blocks = sorted({int(name.split(".")[1]) for name in weights if name.startswith("body.")})
            convolutions = [weights[f"body.{block}.res_layer.1.weight"] for block in blocks]
            widths = [len(weights["input_layer.0.weight"]), *map(len, convolutions)]
            squeezed = [len(weights.get(f"body.{block}.res_layer.5.fc1.weight", ())) for block in blocks]
            embedding, inputs = weights["output_layer.3.weight"].shape
            input_size = isqrt(inputs // widths[-1]) << strides_of(widths).count(2)
            if not 0 < input_size <= LARGEST_SIDE:
                raise ValueError(f"it would look at {input_size} pixels")
            faces = torch.zeros(2, 3, input_size, input_size, device="meta")
            network = build(lambda: cls(widths, squeezed, input_size, embedding), weights, lambda it: it(faces))
            network.load_state_dict(weights)
        except Exception as error:  # a name, a number or a shape that is not of this layout
            raise InputError("these are not the weights of an ArcFace network of the IR or IR-SE kind") from error
        return network

    def forward(self, faces: Tensor) -> Tensor:
        return self.output_layer(self.body(self.input_layer(faces)))


def strides_of(widths: Sequence[int]) -> list[int]:
    return [2 if block == 0 or widths[block] != widths[block + 1] else 1 for block in range(len(widths) - 1)]
