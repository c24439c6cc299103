"""Train the judge that reads attributes off the embedded faces, a network that only measures.

    python -m embedded.training.attributes_judge --data DIR --run DIR --minutes 6

It ends with the accuracy on the test faces, and writes `faces_judge.safetensors`: the weights in half precision and,
in the metadata, the attributes' classes. `python -m embedded.evaluation.frechet` makes the reference statistics that
belong to it.
"""

import argparse
import json

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from embedded.evaluation.attributes import NAMED, PRESENT, accuracies, attributes_of
from embedded.face_data import FaceData
from embedded.judges.attributes import FaceJudge
from embedded.training.loop import Run, train


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=6, batch_size=64, peak=3e-3)
    data = FaceData(options.data / "train")
    truth = attributes_of(data)
    classes = {name: sorted({face[name] for face in truth}) for name in NAMED + PRESENT}
    labels = {name: torch.tensor([names.index(face[name]) for face in truth]) for name, names in classes.items()}
    judge = FaceJudge(classes).to(memory_format=torch.channels_last)

    def loss(size: int, generator: torch.Generator) -> Tensor:
        index = torch.randint(len(data), (size,), generator=generator)
        logits = judge(data.images(index).contiguous(memory_format=torch.channels_last))
        return torch.stack([F.cross_entropy(logits[name], labels[name][index]) for name in classes]).mean()

    seen = train(judge, loss, run)
    metadata = {"classes": json.dumps(classes), "training_samples": str(seen)}
    path = run.folder / "faces_judge.safetensors"
    save_file({name: tensor.half().contiguous() for name, tensor in judge.state_dict().items()}, path, metadata)
    for name, share in accuracies(FaceJudge.load(path), options.data / "test").items():
        print(f"test accuracy  {name:14s} {share:.3f}")


if __name__ == "__main__":
    main()
