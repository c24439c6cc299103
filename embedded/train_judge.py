"""Train the judge of the embedded faces, the network that only measures.

    python -m embedded.train_judge --train DIR --test DIR --run DIR --minutes 6

`--train` and `--test` are splits that `faces/draw.mjs` drew. The run folder keeps a checkpoint, written every minute;
the same command resumes from it and stops when the minutes of training, all runs together, are spent. It ends with the
accuracy on the test faces, and writes `faces_judge.safetensors`: the weights in half precision and, in the metadata,
the attributes' classes. `python -m benchmarks.frechet` makes the reference statistics that belong to it.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from embedded.judge import FaceJudge

NAMED = ["style", "skin", "hair_color", "hair_length", "garment", "clothes_color", "mood", "background"]
PRESENT = ["beard", "eyewear"]  # of these, only whether there is one
NONE = "none"  # the class where nothing of the kind is to be seen, or where the design cannot show it


def read_attributes(split: Path) -> list[dict[str, str]]:
    """The attributes of each picture that the judge is to read."""
    with (split / "faces.jsonl").open(encoding="utf-8") as lines:
        faces = [json.loads(line) for line in lines]
    return [
        {name: face[name] or NONE for name in NAMED} | {name: "yes" if face[name] else "no" for name in PRESENT}
        for face in faces
    ]


def read_images(split: Path, index: np.ndarray | slice) -> Tensor:
    """Pictures `[B, 3, 64, 64]` in [0, 1]."""
    pixels = np.load(split / "images.npy", mmap_mode="r")[index]
    return torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2) / 255


def learning_rate(progress: float, step: int, peak: float) -> float:
    """Linear warm-up over 100 steps, then a cosine down to zero over the minutes given."""
    return peak * min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))


def export(judge: FaceJudge, path: Path, seen: int) -> None:
    metadata = {"classes": json.dumps(judge.classes), "training_samples": str(seen)}
    save_file({name: tensor.half().contiguous() for name, tensor in judge.state_dict().items()}, path, metadata)


def accuracies(judge: FaceJudge, split: Path) -> dict[str, float]:
    """The share of a split's pictures on which each attribute is read right."""
    truth = read_attributes(split)
    right = dict.fromkeys(judge.classes, 0)
    for start in range(0, len(truth), 256):
        read = judge.attributes(read_images(split, slice(start, start + 256)))
        for name, classes in read.items():
            right[name] += sum(face[name] == found for face, found in zip(truth[start:], classes))
    return {name: count / len(truth) for name, count in right.items()}


def train(data: Path, run: Path, minutes: float, batch_size: int, peak: float, seed: int) -> FaceJudge:
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "checkpoint.pt"
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    faces = read_attributes(data)
    classes = {name: sorted({face[name] for face in faces}) for name in NAMED + PRESENT}
    labels = {name: torch.tensor([names.index(face[name]) for face in faces]) for name, names in classes.items()}
    judge = FaceJudge(classes).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.01, fused=True)
    step, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        judge.load_state_dict(state["judge"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        step, spent = state["step"], state["spent"]

    def save() -> None:
        state = {"judge": judge.state_dict(), "optimizer": optimizer.state_dict(), "generator": generator.get_state()}
        torch.save(state | {"step": step, "spent": spent}, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    losses, saved = [], spent
    while spent < minutes * 60:
        began = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(spent / (minutes * 60), step, peak)
        index = torch.randint(len(faces), (batch_size,), generator=generator)
        logits = judge(read_images(data, index.numpy()).contiguous(memory_format=torch.channels_last))
        loss = sum(F.cross_entropy(logits[name], labels[name][index]) for name in classes) / len(classes)
        loss.backward()
        nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        spent += time.monotonic() - began
        losses.append(loss.item())
        if step % 200 == 0:
            seen = step * batch_size
            print(f"{spent / 60:5.1f} min  {seen:7d} samples  loss {np.mean(losses[-200:]):.4f}", flush=True)
        if spent - saved > 60:
            saved = spent
            save()
    save()
    export(judge, run / "faces_judge.safetensors", step * batch_size)
    return FaceJudge.load(run / "faces_judge.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="the split to train on")
    parser.add_argument("--test", type=Path, required=True, help="the split to measure the accuracy on")
    parser.add_argument("--run", type=Path, required=True, help="checkpoint, and the weights in the end")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--peak", type=float, default=3e-3, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    judge = train(options.train, options.run, options.minutes, options.batch_size, options.peak, options.seed)
    for name, share in accuracies(judge, options.test).items():
        print(f"test accuracy  {name:14s} {share:.3f}")
