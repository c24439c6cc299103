"""Detectors in the layout of insightface's SCRFD as ONNX files: one of random weights, one whose answers are known."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYOUT = {"score": 1, "box": 4, "points": 10}
# Where the red detector puts the five points around the middle of something red, in pixels of the 8-pixel stride.
RED_POINTS = torch.tensor([[-12.0, -10.0], [12.0, -10.0], [0.0, 2.0], [-9.0, 14.0], [9.0, 14.0]])
RED_BOX = 20.0  # half the side of its boxes


def rows(output: Tensor, width: int) -> Tensor:
    """As SCRFD's export has it: `[1, 2·width, H, W]` → `[H·W·2, width]`."""
    return output.permute(2, 3, 0, 1).reshape(-1, width)


class RandomScrfd(nn.Module):
    """A pyramid of features at strides 8, 16 and 32 with paths down, and three heads at each."""

    def __init__(self, width: int = 8):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.stages = nn.ModuleList(nn.Sequential(nn.Conv2d(width, width, 3, 2, 1), nn.ReLU()) for _ in range(3))
        self.shortcuts = nn.ModuleList(
            nn.Sequential(nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False), nn.Conv2d(width, width, 1))
            for _ in range(3)
        )
        self.heads = nn.ModuleDict({name: nn.Conv2d(width, 2 * count, 3, 1, 1) for name, count in LAYOUT.items()})
        self.scales = nn.ParameterList(torch.tensor(0.5 + i) for i in range(3))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        features, x = [], self.stem(image)
        for stage, shortcut in zip(self.stages, self.shortcuts):
            x = F.relu(stage(x) + shortcut(x))
            features.append(x)
        for i in (1, 0):
            features[i] = features[i] + F.interpolate(features[i + 1], size=features[i].shape[2:], mode="nearest")
        scores = [rows(self.heads["score"](x), 1).sigmoid() for x in features]
        boxes = [rows(self.heads["box"](x) * scale, 4) for x, scale in zip(features, self.scales)]
        points = [rows(self.heads["points"](x), 10) for x in features]
        return (*scores, *boxes, *points)


class RedScrfd(nn.Module):
    """Sees a face of a fixed size wherever the picture is red and neither green nor blue, around 24 pixels.

    Only at stride 8: there, a score says how red the surroundings of its place are.
    """

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        red = (image[:, :1] - image[:, 1:].amax(1, keepdim=True)) / 2
        around = F.avg_pool2d(F.pad(red, (12, 12, 12, 12)), 25, 8)  # the middle of each lies on the anchor
        scores, boxes, points = [], [], []
        for i, stride in enumerate((8, 16, 32)):
            near = around[:, :, :: 2**i, :: 2**i]
            score = torch.sigmoid(16 * near - 8) if i == 0 else torch.zeros_like(near)
            scores.append(rows(score.expand(-1, 2, -1, -1), 1))
            ones = torch.ones_like(near)
            boxes.append(rows((RED_BOX / stride * ones).expand(-1, 8, -1, -1), 4))
            places = torch.cat([RED_POINTS.flatten(), RED_POINTS.flatten()]) / stride
            points.append(rows(places.view(1, 20, 1, 1) * ones, 10))
        return (*scores, *boxes, *points)


def export(detector: nn.Module, path: Path, side: int | None = None) -> Path:
    """Write the ONNX file as insightface's were written; for pictures of any size, or of one."""
    names = {f"out{i}": {0: "rows"} for i in range(9)}
    axes = {"dynamic_axes": {"in0": {2: "height", 3: "width"}, **names}} if side is None else {}
    torch.onnx.export(
        detector.eval(),
        (torch.rand(1, 3, side or 64, side or 64),),
        path,
        opset_version=11,
        dynamo=False,
        input_names=["in0"],
        output_names=list(names),
        **axes,
    )
    return path
