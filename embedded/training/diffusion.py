"""Train the embedded diffusion models: faces of 64×64 pixels, on ComfyUI's own `UNetModel`.

    python -m embedded.training.diffusion --data DIR --run DIR --prediction eps --minutes 42
    python -m embedded.training.diffusion --data DIR --run DIR --prediction flow --minutes 90 --start FILE

Each of the two can start from the weights of the other. What is written in the end, `faces.safetensors` (noise
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
FILES = {"eps": "faces.safetensors", "flow": "faces_flow.safetensors"}

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


def host_sigmas() -> Tensor:
    """The noise levels of the host's default discrete schedule, [1000], ascending."""
    import_host()
    from comfy.model_sampling import ModelSamplingDiscrete

    return ModelSamplingDiscrete().sigmas.clone()


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


def eps_loss(unet: nn.Module, latents: Tensor, tokens: Tensor, sigmas: Tensor, generator: torch.Generator) -> Tensor:
    """Weighted error of the predicted noise. The network sees x / sqrt(σ² + 1), as the host feeds it.

    Below σ = 1 the weights are min-SNR-5 (Hang et al. 2023, arXiv 2303.09556). Above it they grow with σ: an error
    of the noise comes back σ times larger in the picture, and the colours are decided there.
    """
    step = torch.randint(len(sigmas), (len(latents),), generator=generator)
    sigma = sigmas[step].view(-1, 1, 1, 1)
    noise = torch.randn(latents.shape, generator=generator)
    predicted = predict(unet, (latents + sigma * noise) / (sigma**2 + 1).sqrt(), step.float(), tokens)
    weight = sigma.clamp(min=1) * (5 * sigma**2).clamp(max=1)
    return (weight * (predicted - noise).square()).mean()


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
    sigmas = host_sigmas()
    return lambda size, generator: eps_loss(unet, *batches(size, generator), sigmas, generator)


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
