"""Backward passes through networks that compute in half precision.

fp16 has no numbers under 6e-8 and none above 65504. A gradient of a loss is often as small as that for each pixel, and
its direction is lost on the way back: its cosine to single precision's falls to 0.4 where ‖v‖ is 1e-4. A backward pass
is linear, so v is brought to a size that fp16 carries, and what comes back is divided by the same factor. Factors are
powers of two, which change no bit in single precision.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..per_sample import per_sample

HALF = (torch.float16, torch.bfloat16)
SIZE = 2.0**-3  # root mean square of what is sent backward
SMALLER = 2.0**-8  # a second try, where the first one overflowed
LOSS_FACTORS = (2.0**10, 2.0**-2)  # a loss's own gradient has to be guessed


def sizes(v: Tensor) -> Tensor:
    """The factor that brings each sample to about `SIZE`, `[B, ...] → [B, 1, ...]`; 1 where v is zero or not finite."""
    size = torch.stack([torch.linalg.vector_norm(sample.float()) / sample.numel() ** 0.5 for sample in v])
    there = size.isfinite() & (size > 0)
    exponent = torch.log2(SIZE / torch.where(there, size, 1)).round().clamp(-100, 100)
    return per_sample(torch.where(there, torch.exp2(exponent), 1), v)


def product(graph: Callable[[], tuple[Tensor, Tensor]], v: Tensor, samples: int, again: bool = True) -> Tensor:
    """Jᵀ·v of outputs with respect to inputs, at sizes that half precision carries.

    Args:
        graph: gives inputs `[B, ...]` and outputs `[N, ...]`, with a graph between them; called once, and once more if
            the first product overflows.
        v: of the outputs' shape; N is a multiple of B (the frames of a video).
        samples: B.
        again: whether there is a second try.

    Returns:
        Of the inputs' shape. A sample that overflows even so is not finite.
    """
    factor = sizes(v.reshape(samples, -1)).to(torch.float32)
    result = _scaled(*graph(), v, factor)
    lost = ~result.flatten(1).isfinite().all(1) & v.reshape(samples, -1).isfinite().all(1)
    if again and lost.any():
        second = _scaled(*graph(), v, factor * SMALLER)
        result = torch.where(per_sample(lost, result), second, result)
    return result


def _scaled(inputs: Tensor, outputs: Tensor, v: Tensor, factor: Tensor) -> Tensor:
    vector = (v.reshape(len(factor), -1) * factor).reshape(v.shape).to(outputs.dtype)
    (gradient,) = torch.autograd.grad(outputs, inputs, vector)
    return (gradient.reshape(len(factor), -1) / factor).reshape(gradient.shape).to(inputs.dtype)
