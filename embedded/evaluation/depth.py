"""How well the embedded depth network sees which part of a drawing lies over which.

    python -m embedded.evaluation.depth --data DIR

measures it on the test split that `embedded/faces/draw.mjs` drew: 512 people that it has not seen, 4 pictures each. The
segmentation judge stands beside it, by the relief of the parts that it sees: as which it judges guided pictures.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from embedded.evaluation.segmentation import blur
from embedded.face_data import FaceData
from embedded.face_parts import relief
from embedded.judges.segmentation import SegmentationJudge
from guidance_losses.depth import aligned
from guidance_losses.networks.depth import load_depth_network
from tools.comfyui import REPOSITORY

WEIGHTS = REPOSITORY / "embedded" / "weights" / "depth" / "faces"
BATCH = 64

SeesDepth = Callable[[Tensor], Tensor]


def likeness(found: Tensor, wanted: Tensor) -> Tensor:
    """The correlation of reliefs `[B, 1, H, W]`: `[B]`, 1 where they are the same but for a factor and a summand."""
    return (aligned(found) * aligned(wanted)).mean((1, 2, 3))


@torch.no_grad()
def correlations(nearness: SeesDepth, faces: FaceData, change: SeesDepth | None = None) -> Tensor:
    """Of each picture of a split, `[N]`.

    Args:
        nearness: pictures `[B, 3, 64, 64]`, RGB in [0, 1] → `[B, 1, 64, 64]`.
        change: what is done to the pictures before.
    """
    found = []
    for start in range(0, len(faces), BATCH):
        batch = slice(start, start + BATCH)
        images = faces.images(batch)
        seen = nearness(change(images) if change else images)
        found.append(likeness(seen, relief(faces.maps(batch))[:, None]))
    return torch.cat(found)


def measure(data: Path) -> dict[str, dict[str, float]]:
    """All figures, on the test split under `data`: correlations with the drawn relief, up to 1."""
    faces, judge = FaceData(data / "test"), SegmentationJudge.load()
    networks: dict[str, SeesDepth] = {
        "guidance": load_depth_network(WEIGHTS),
        "judge": lambda images: relief(judge(images).argmax(1))[:, None],
    }
    figures = {}
    for name, nearness in networks.items():
        whole, blurred = correlations(nearness, faces), correlations(nearness, faces, blur)
        figures[name] = {
            "mean correlation": whole.mean().item(),
            "lowest correlation of twenty": whole.quantile(0.05).item(),
            "mean correlation, blurred by 2 pixels": blurred.mean().item(),
        }
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote: test/")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
