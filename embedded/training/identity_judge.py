"""Train the judge of identity, the second network, which only measures.

    python -m embedded.training.identity_judge --data DIR --run DIR --minutes 10 --seed 1

writes `identity_judge.safetensors`, in half precision. It sees the same people as the network that guides, in other
batches, and learns by the multi-similarity loss (Wang et al. 2019, arXiv 1904.06627). `python -m
embedded.evaluation.identity` measures it.
"""

import argparse

import torch
from pytorch_metric_learning.losses import MultiSimilarityLoss
from safetensors.torch import save_file

from embedded.face_data import FaceData
from embedded.judges.identity import IdentityJudge
from embedded.training.identity import Batches, identity_loss, print_figures
from embedded.training.loop import Run, train


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=10, batch_size=128, peak=2e-3)
    judge = IdentityJudge().to(memory_format=torch.channels_last)
    contrast = MultiSimilarityLoss(alpha=2, beta=40, base=0.5)
    seen = train(judge, identity_loss(judge, contrast, Batches(options.data / "train")), run)
    path = run.folder / "identity_judge.safetensors"
    save_file({name: tensor.half().contiguous() for name, tensor in judge.state_dict().items()}, path)
    print(f"{seen} samples, written to {path}")
    print_figures(IdentityJudge.load(path), FaceData(options.data / "test"))


if __name__ == "__main__":
    main()
