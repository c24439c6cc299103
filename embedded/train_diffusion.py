"""Train the embedded diffusion model: faces of 64×64 pixels, on ComfyUI's own `UNetModel`.

    python -m embedded.train_diffusion --data DIR --run DIR --minutes 90

The run folder keeps a checkpoint, written every few minutes; the same command resumes from it and stops when the
minutes of training, all runs together, are spent. The learning rate follows the share of the minutes spent, down to
zero. What it writes in the end, `faces.safetensors`, holds the averaged weights in half precision and, in its
metadata, all that the loader needs to build the model.
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

from tools.host import import_host

STYLE_DROPOUT = 0.3  # share of the pictures trained without their style label: they make the unconditional model

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
        for kind in (nn.Conv2d, nn.Linear, nn.GroupNorm, nn.LayerNorm):
            if isinstance(module, kind):
                kind.reset_parameters(module)
    for module in unet.modules():  # residual branches begin at zero, as in the DDPM code
        if hasattr(module, "out_layers"):
            nn.init.zeros_(module.out_layers[-1].weight)
    nn.init.zeros_(unet.out[-1].weight)
    return unet


def host_sigmas() -> torch.Tensor:
    """The noise levels of the host's default discrete schedule, [1000], ascending."""
    import_host()
    from comfy.model_sampling import ModelSamplingDiscrete

    return ModelSamplingDiscrete().sigmas.clone()


class Faces:
    """Batches of training pictures: latents [B, 12, 32, 32] in [-1, 1] and style tokens [B, 1, styles]."""

    def __init__(self, folder: Path, generator: torch.Generator):
        self.images = np.load(folder / "images.npy", mmap_mode="r")
        labels = [json.loads(line)["style"] for line in (folder / "faces.jsonl").open(encoding="utf-8")]
        self.styles = sorted(set(labels))
        self.labels = torch.tensor([self.styles.index(label) for label in labels])
        self.generator = generator

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        index = torch.randint(len(self.labels), (size,), generator=self.generator)
        pixels = torch.from_numpy(self.images[index.numpy()]).permute(0, 3, 1, 2).float() / 127.5 - 1
        tokens = F.one_hot(self.labels[index], len(self.styles)).float()
        tokens *= torch.rand(size, 1, generator=self.generator) >= STYLE_DROPOUT
        return F.pixel_unshuffle(pixels, 2), tokens[:, None]


def eps_loss(unet: nn.Module, latents: Tensor, tokens: Tensor, sigmas: Tensor, generator: torch.Generator) -> Tensor:
    """Weighted error of the predicted noise. The network sees x / sqrt(σ² + 1), as the host feeds it.

    Below σ = 1 the weights are min-SNR-5 (Hang et al. 2023, arXiv 2303.09556). Above it they grow with σ: an error
    of the noise comes back σ times larger in the picture, and the colours are decided there.
    """
    step = torch.randint(len(sigmas), (len(latents),), generator=generator)
    sigma = sigmas[step].view(-1, 1, 1, 1)
    noise = torch.randn(latents.shape, generator=generator)
    x = (latents + sigma * noise) / (sigma**2 + 1).sqrt()
    with torch.autocast("cpu", torch.bfloat16):
        predicted = unet(x.to(memory_format=torch.channels_last), step.float(), context=tokens)
    weight = sigma.clamp(min=1) * (5 * sigma**2).clamp(max=1)
    return (weight * (predicted.float() - noise).square()).mean()


def learning_rate(progress: float, step: int, peak: float) -> float:
    """Linear warm-up over 300 steps, then a cosine down to zero over the minutes given."""
    return peak * min(1, (step + 1) / 300) * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))


def ema_decay(step: int) -> float:
    """The average's memory grows with the run (Karras et al. 2024, arXiv 2312.02696) and ends at a thousand steps."""
    return min(0.999, (step + 1) / (step + 10))


def export(weights: dict[str, torch.Tensor], styles: list[str], path: Path, seen: int) -> None:
    metadata = {
        "unet_config": json.dumps(UNET_CONFIG),
        "prediction": "eps",
        "pixel_unshuffle": "2",
        "styles": json.dumps(styles),
        "training_samples": str(seen),
    }
    save_file({name: tensor.half().contiguous() for name, tensor in weights.items()}, path, metadata)


def train(data: Path, run: Path, minutes: float, batch_size: int, peak: float, seed: int) -> None:
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "checkpoint.pt"
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    faces = Faces(data / "train", generator)
    unet = build_unet().to(memory_format=torch.channels_last)
    average = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    optimizer = torch.optim.AdamW(unet.parameters(), betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    sigmas = host_sigmas()
    step, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        unet.load_state_dict(state["unet"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        average, step, spent = state["average"], state["step"], state["spent"]

    def save() -> None:
        state = {"unet": unet.state_dict(), "optimizer": optimizer.state_dict(), "generator": generator.get_state()}
        torch.save(state | {"average": average, "step": step, "spent": spent}, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)
        export(average, faces.styles, run / "faces.safetensors", step * batch_size)

    losses, saved = [], spent
    while spent < minutes * 60:
        began = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(spent / (minutes * 60), step, peak)
        loss = eps_loss(unet, *faces.batch(batch_size), sigmas, generator)
        loss.backward()
        nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        for name, tensor in unet.state_dict().items():
            average[name].lerp_(tensor, 1 - ema_decay(step))
        step += 1
        spent += time.monotonic() - began
        losses.append(loss.item())
        if step % 100 == 0:
            done = f"{spent / 60:6.1f} min, {step * batch_size} samples"
            print(
                f"{done}, loss {np.mean(losses[-100:]):.4f}, learning rate {optimizer.param_groups[0]['lr']:.1e}",
                flush=True,
            )
        if spent - saved > 240:
            saved = spent
            save()
    save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that faces/draw.mjs wrote")
    parser.add_argument("--run", type=Path, required=True, help="checkpoint, and the model in the end")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--peak", type=float, default=8e-4, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    train(options.data, options.run, options.minutes, options.batch_size, options.peak, options.seed)
