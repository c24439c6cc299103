"""Train the judge of segmentation maps, the network that only measures.

    python -m embedded.training.segmentation_judge --data DIR --run DIR --minutes 8 --seed 1

It writes `segmentation_judge.safetensors`: the weights in half precision and, in the metadata, the classes' names.
`python -m embedded.evaluation.segmentation` measures it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from embedded.evaluation.segmentation import intersection_over_union
from embedded.face_data import CLASSES, FaceData
from embedded.judges.segmentation import WEIGHTS, SegmentationJudge
from embedded.training.loop import Run, train
from embedded.training.segmentation import Batches


def judge_loss(judge: SegmentationJudge, batches: Batches) -> Callable[[int, torch.Generator], Tensor]:
    """Cross entropy, each pixel weighing the same."""

    def loss(size: int, generator: torch.Generator) -> Tensor:
        images, maps = batches(size, generator)
        with torch.autocast("cpu", torch.bfloat16):
            logits = judge(images.contiguous(memory_format=torch.channels_last))
        return F.cross_entropy(logits.float(), maps)

    return loss


def export(judge: SegmentationJudge, path: Path, seen: int) -> None:
    metadata = {"labels": json.dumps(judge.labels), "training_samples": str(seen)}
    save_file({name: tensor.contiguous() for name, tensor in judge.half().state_dict().items()}, path, metadata)


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=8, batch_size=16, peak=3e-3)
    judge = SegmentationJudge(list(CLASSES)).to(memory_format=torch.channels_last)
    seen = train(judge, judge_loss(judge, Batches(options.data / "train")), run)
    export(judge, run.folder / WEIGHTS.name, seen)
    print(f"{seen} samples, written to {run.folder / WEIGHTS.name}")
    trained = SegmentationJudge.load(run.folder / WEIGHTS.name)
    print(f"test mean IoU: {intersection_over_union(trained, FaceData(options.data / 'test')).mean():.4f}")


if __name__ == "__main__":
    main()
