"""Train the embedded face identity network, a miniature of ArcFace's IR-SE networks.

    python -m embedded.training.identity --data DIR --run DIR --minutes 18

It learns by supervised contrast (Khosla et al. 2020, arXiv 2004.11362), which with so few pictures of each person gets
much further than ArcFace's class weights. It writes `faces_irse.safetensors`, the weights in half precision in the
layout of IR-SE50, and `faces_irse.onnx`, the same network as insightface's files hold theirs. `python -m
embedded.evaluation.identity` measures it.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from kornia.filters import gaussian_blur2d
from pytorch_metric_learning.losses import SupConLoss
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from embedded.evaluation.identity import embed_all, identification, verification
from embedded.face_data import FaceData
from embedded.training.loop import Run, train
from embedded.training.onnx_export import onnx_model
from guidance_losses.networks.face import load_face_network
from guidance_losses.networks.irse import IRSE

STYLES = 4  # the people of a split take them in turn
PICTURES_OF_ONE = 4  # of each person in a batch


def disturb(images: Tensor, generator: torch.Generator) -> Tensor:
    """Faces `[B, 3, H, W]` in [0, 1] as guidance may show them: moved, half of them soft, half of them noisy."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(len(images), *shape, generator=generator)

    place = torch.zeros(len(images), 2, 3)
    place[:, :, :2] = uniform(0.92, 1.08, 1, 1) * torch.eye(2)
    place[:, :, 2] = uniform(-3, 3, 2) * 2 / images.shape[-1]  # pixels; the grid's width is 2
    grid = F.affine_grid(place, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    soft = uniform(0, 1) < 0.5
    images[soft] = gaussian_blur2d(images[soft], 13, uniform(0.3, 3, 1)[soft].expand(-1, 2))
    noise = uniform(-0.05, 0.05, 1, 1, 1).clamp(min=0)
    return images + uniform(-0.06, 0.06, 1, 1, 1) + noise * torch.randn(images.shape, generator=generator)


class Batches:
    """Draws disturbed faces `[B, 3, 64, 64]` and who they are, `[B]`: people of one style, several pictures of each."""

    def __init__(self, split: Path):
        self.data = FaceData(split)
        self.people = self.data.people()
        self.each = int(self.people.bincount()[0])

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        style = torch.randint(STYLES, (1,), generator=generator)
        of_style = torch.arange(int(style), int(self.people[-1]) + 1, STYLES)
        chosen = of_style[torch.randperm(len(of_style), generator=generator)[: size // PICTURES_OF_ONE]]
        pictures = torch.rand(len(chosen), self.each, generator=generator).argsort(1)[:, :PICTURES_OF_ONE]
        index = (chosen[:, None] * self.each + pictures).flatten()
        return disturb(self.data.images(index), generator), self.people[index]


def identity_loss(
    embed: Callable[[Tensor], Tensor], contrast: nn.Module, batches: Batches
) -> Callable[[int, torch.Generator], Tensor]:
    """What the training minimises: a loss of pytorch-metric-learning on the embeddings of a batch.

    Args:
        embed: faces `[B, 3, 64, 64]`, RGB in [0, 1] → embeddings.
    """

    def loss(size: int, generator: torch.Generator) -> Tensor:
        faces, people = batches(size, generator)
        with torch.autocast("cpu", torch.bfloat16):
            embeddings = embed(faces.contiguous(memory_format=torch.channels_last))
        return contrast(embeddings.float(), people)

    return loss


class QuickPReLU(nn.PReLU):
    """The same function in other operations: the training on a CPU takes two thirds of the time."""

    def forward(self, x: Tensor) -> Tensor:
        slope = self.weight.view(-1, 1, 1).to(x.dtype)
        return (1 - slope) * x.relu() + slope * x


def with_quick_activations(network: nn.Module) -> nn.Module:
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.PReLU):
                setattr(parent, name, QuickPReLU(child.num_parameters))
    return network


def export(weights: Path, path: Path) -> None:
    """Write the network of these weights as ONNX: `[N, 3, 64, 64]` in [−1, 1] → `[N, 128]`."""
    network = IRSE.from_weights(load_file(weights))
    pictures = torch.zeros(2, 3, network.input_size, network.input_size)
    onnx.save(onnx_model(network, pictures, "faces", any_number=True), path)


def print_figures(embed: Callable[[Tensor], Tensor], faces: FaceData) -> None:
    """How well a network tells apart the people of a split that it was not trained on."""
    embeddings = embed_all(embed, faces.images(slice(None)))
    for name, value in verification(embeddings, faces.people()).items():
        print(f"test {name}: {value:.4f}")
    print(f"test top-1 of 100: {identification(embeddings, embeddings, faces.people()):.4f}")


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=18, batch_size=128, peak=2e-3)
    network = IRSE(widths=[16, 16, 32, 64, 96, 128], squeezed=[4, 4, 8, 12, 16], input_size=64, embedding=128)
    learner = with_quick_activations(network).to(memory_format=torch.channels_last)
    batches = Batches(options.data / "train")
    loss = identity_loss(lambda faces: learner(2 * faces - 1), SupConLoss(temperature=0.1), batches)
    seen = train(learner, loss, run)
    weights = {
        name: tensor.half().contiguous() for name, tensor in learner.state_dict().items() if tensor.is_floating_point()
    }
    path = run.folder / "faces_irse.safetensors"
    save_file(weights, path, {"training_samples": str(seen)})
    export(path, path.with_suffix(".onnx"))
    print(f"{seen} samples, written to {path} and {path.with_suffix('.onnx')}")
    print_figures(load_face_network(path), FaceData(options.data / "test"))


if __name__ == "__main__":
    main()
