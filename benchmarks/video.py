"""How far the frames of slices are from those of the whole video, and what memory the gradient takes.

    python -m benchmarks.video

The host's own Wan VAE, twelve times narrower, with random weights. How far a frame sees back hangs on the weights:
random ones look at each earlier frame as at the present one; so there are also some whose convolutions count earlier
frames 1/4 and 1/8. Latents are white noise, without anything that neighbouring frames have in common. Memory is
what autograd keeps, weights aside. Results go to `benchmarks/results/video.json`.
"""

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sampling.differentiation.checkpointing import checkpointed
from sampling.differentiation.saved_tensors import saved_tensors
from sampling.differentiation.slicing import CONTEXTS, Slice, decode_slices, slices
from tools.comfyui import import_host

WIDTH, K = 8, 4
SIDE = 4  # latents each way
PASTS = {"1": 1.0, "1/4": 1 / 4, "1/8": 1 / 8}
LATENTS = 11  # of the comparison
LENGTHS = 17, 33, 81
CONTEXT = CONTEXTS[0]
RESULTS = Path(__file__).parent / "results" / "video.json"


def wan_vae(past: float) -> torch.nn.Module:
    """With random weights that keep the activations' scale; in each convolution earlier frames count `past`."""
    import comfy.ldm.wan.vae

    vae = comfy.ldm.wan.vae.WanVAE(dim=WIDTH, z_dim=16, temperal_downsample=[False, True, True]).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for name, weight in vae.state_dict().items():
        if weight.ndim < 2:
            weight.fill_(0.0 if name.endswith("bias") else 1.0)
            continue
        weight.copy_(torch.randn(weight.shape, generator=generator) / math.sqrt(math.prod(weight.shape[1:])))
        if weight.ndim == 5 and weight.shape[2] > 1:
            weight[:, :, :-1] *= past
            weight *= math.sqrt(weight.shape[2] / (1 + (weight.shape[2] - 1) * past**2))
    return vae.eval()


def decoder(vae: Any) -> Callable[[Tensor], Tensor]:
    return lambda latent: vae.decode(latent).transpose(1, 2).flatten(0, 1)


def noise(latents: int) -> Tensor:
    return torch.randn(1, 16, latents, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def distances(past: float) -> dict[str, float]:
    """Context → the last frame's distance from that of the whole video, as a share of its contrast."""
    decode, latent, last = decoder(wan_vae(past)), noise(LATENTS), [K * (LATENTS - 1)]
    with torch.no_grad():
        whole = decode_slices(decode, latent, [Slice(0, None, last)])
        contrast = (whole - whole.mean()).norm()
        parts = {context: decode_slices(decode, latent, slices(last, K, context)) for context in CONTEXTS}
    return {str(context): round(float((part - whole).norm() / contrast), 2) for context, part in parts.items()}


def ways(frames: int) -> dict[str, tuple[bool, list[Slice]]]:
    """What is looked at of so many frames → whether slices are computed again one by one, and the slices."""
    last = frames - 1
    return {
        "last, whole": (False, [Slice(0, None, [last])]),
        "last": (False, slices([last], K, CONTEXT)),
        "first, last": (False, slices([0, last], K, CONTEXT)),
        "every 16": (True, slices(range(0, frames, 16), K, CONTEXT)),
        "all": (True, slices(range(frames), K, CONTEXT)),
    }


def memory(frames: int) -> dict[str, float]:
    """Way → MB that autograd keeps at most, for these frames and their gradient."""
    return {way: round(kept(1 + (frames - 1) // K, *how) / 1e6, 1) for way, how in ways(frames).items()}


def kept(latents: int, again: bool, parts: list[Slice]) -> int:
    """Bytes. Where slices are computed again one by one, those of the longest one come to what is kept beside them."""
    decode = decoder(wan_vae(PASTS["1/8"]))
    longest = max(parts, key=lambda part: (part.stop or latents) - part.start)
    with saved_tensors() as most:
        way = partial(checkpointed, decode) if again else decode
        decode_slices(way, noise(latents).requires_grad_(), parts).square().sum().backward()
    return most() + (kept(latents, False, [longest]) if again else 0)


def distance_table(results: dict) -> str:
    rows = ["| earlier frames count | " + " | ".join(f"context {context}" for context in CONTEXTS) + " |"]
    rows.append("|---" * (len(CONTEXTS) + 1) + "|")
    rows += [f"| {past} | " + " | ".join(map(str, row.values())) + " |" for past, row in results["distances"].items()]
    return "\n".join(rows)


def memory_table(results: dict) -> str:
    kinds = list(next(iter(results["memory"].values())))
    rows = ["| frames | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    rows += [f"| {frames} | " + " | ".join(map(str, row.values())) + " |" for frames, row in results["memory"].items()]
    return "\n".join(rows)


def main() -> None:
    import_host()
    results = {
        "memory": {str(frames): memory(frames) for frames in LENGTHS},
        "distances": {name: distances(past) for name, past in PASTS.items()},
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(memory_table(results), distance_table(results), sep="\n\n")


if __name__ == "__main__":
    main()
