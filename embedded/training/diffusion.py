"""Train the embedded diffusion models: faces of 64×64 pixels, on ComfyUI's own `UNetModel`.

    python -m embedded.training.diffusion --data DIR --run DIR --prediction v --minutes 90 --start FILE
    python -m embedded.training.diffusion --data DIR --run DIR --prediction flow --minutes 90 --start FILE

Each of the two can start from the weights of the other. What is written in the end, `faces.safetensors` (v
prediction on the host's default schedule) or `faces_flow.safetensors`, holds the averaged weights in half precision
and, in its metadata, all that the loader needs to build the model. `python -m benchmarks.unguided` measures it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from embedded.face_data import FaceData
from embedded.training.loop import Run, train
from tools.comfyui import import_host

STYLE_DROPOUT = 0.3  # share of the pictures trained without their style label: they make the unconditional model
SPREAD = 1.4  # of the noise levels' logarithm; wider than is usual, because guided restoration needs low noise too
FILES = {"v": "faces.safetensors", "flow": "faces_flow.safetensors"}

UNET_CONFIG = {
    "image_size": 32,
    "in_channels": 12,  # RGB, 2×2 pixels folded into the channels
    "out_channels": 12,
    "model_channels": 64,
    "num_res_blocks": [1, 1, 1],
    "channel_mult": [1, 2, 2],
    "transformer_depth": [0, 0, 0],
    "transformer_depth_middle": 1,  # attention and the style label at 8×8 only
    "transformer_depth_output": [0, 0, 0, 0, 0, 0],
    "context_dim": 4,  # one token: the style, one-hot; zeros for any style
    "use_spatial_transformer": True,
    "use_linear_in_transformer": True,
    "num_head_channels": 32,
    "num_heads": -1,
    "legacy": False,
}


def build_unet() -> nn.Module:
    """The host's UNetModel with fresh weights (the host's own layers leave them uninitialised)."""
    import_host()
    import comfy.ops
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    unet = UNetModel(**UNET_CONFIG, dtype=torch.float32, operations=comfy.ops.disable_weight_init)
    for module in unet.modules():
        kinds: list[Any] = [nn.Conv2d, nn.Linear, nn.GroupNorm, nn.LayerNorm]
        for kind in kinds:  # by the class's own, since the host's layers do without
            if isinstance(module, kind):
                kind.reset_parameters(module)
    for module in unet.modules():  # residual branches begin at zero, as in the DDPM code
        if hasattr(module, "out_layers"):
            nn.init.zeros_(module.out_layers[-1].weight)
    nn.init.zeros_(unet.out[-1].weight)
    return unet


def host_schedule() -> Any:  # a `ModelSamplingDiscrete`
    """The host's default discrete schedule of 1,000 noise levels."""
    import_host()
    from comfy.model_sampling import ModelSamplingDiscrete

    return ModelSamplingDiscrete()


class Batches:
    """Draws latents `[B, 12, 32, 32]` in [−1, 1] and style tokens `[B, 1, styles]`."""

    def __init__(self, split: Path):
        self.data = FaceData(split)
        names = [face["style"] for face in self.data.faces]
        self.styles = sorted(set(names))
        self.labels = torch.tensor([self.styles.index(name) for name in names])

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        index = torch.randint(len(self.data), (size,), generator=generator)
        tokens = F.one_hot(self.labels[index], len(self.styles)).float()
        tokens *= torch.rand(size, 1, generator=generator) >= STYLE_DROPOUT
        return F.pixel_unshuffle(2 * self.data.images(index) - 1, 2), tokens[:, None]


def predict(unet: nn.Module, x: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return unet(x.to(memory_format=torch.channels_last), timestep, context=tokens).float()


def v_loss(unet: nn.Module, latents: Tensor, tokens: Tensor, schedule: Any, generator: torch.Generator) -> Tensor:
    """Error of the predicted v = (noise − σ·picture) / sqrt(σ² + 1), (Salimans and Ho 2022, arXiv 2202.00512).

    The network sees (picture + σ·noise) / sqrt(σ² + 1), and the step of the host's schedule that is nearest to σ. The
    levels are those of `flow_loss`: its σ / (1 − σ) is log-normal.
    """
    sigma = torch.exp(SPREAD * torch.randn(len(latents), generator=generator))
    sigma = sigma.clamp(schedule.sigma_min, schedule.sigma_max)
    timestep, sigma = schedule.timestep(sigma).float(), sigma.view(-1, 1, 1, 1)
    noise = torch.randn(latents.shape, generator=generator)
    length = (sigma**2 + 1).sqrt()
    predicted = predict(unet, (latents + sigma * noise) / length, timestep, tokens)
    return (predicted - (noise - sigma * latents) / length).square().mean()


def flow_loss(unet: nn.Module, latents: Tensor, tokens: Tensor, generator: torch.Generator) -> Tensor:
    """Error of the predicted velocity, noise − picture, at x = (1 − σ)·picture + σ·noise (Lipman et al. 2023).

    σ is logit-normal (Esser et al. 2024, arXiv 2403.03206). The host tells the network 1000·σ.
    """
    sigma = torch.sigmoid(SPREAD * torch.randn(len(latents), 1, 1, 1, generator=generator))
    noise = torch.randn(latents.shape, generator=generator)
    predicted = predict(unet, (1 - sigma) * latents + sigma * noise, 1000 * sigma.flatten(), tokens)
    return (predicted - (noise - latents)).square().mean()


def make_loss(prediction: str, unet: nn.Module, batches: Batches) -> Callable[[int, torch.Generator], Tensor]:
    if prediction == "flow":
        return lambda size, generator: flow_loss(unet, *batches(size, generator), generator)
    schedule = host_schedule()
    return lambda size, generator: v_loss(unet, *batches(size, generator), schedule, generator)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prediction", choices=list(FILES), required=True)
    parser.add_argument("--start", type=Path, help="weights to begin with, of either prediction")
    run, options = Run.parse(parser, minutes=90, batch_size=32, peak=8e-4)
    batches = Batches(options.data / "train")
    unet = build_unet().to(memory_format=torch.channels_last)
    if options.start:
        unet.load_state_dict(load_file(options.start))
    seen = train(unet, make_loss(options.prediction, unet, batches), run)
    metadata = {
        "unet_config": json.dumps(UNET_CONFIG),
        "prediction": options.prediction,
        "pixel_unshuffle": "2",
        "styles": json.dumps(batches.styles),
        "training_samples": str(seen),
    }
    weights = {name: tensor.half().contiguous() for name, tensor in unet.state_dict().items()}
    save_file(weights, run.folder / FILES[options.prediction], metadata)
    print(f"{seen} samples, written to {run.folder / FILES[options.prediction]}")


if __name__ == "__main__":
    main()
