"""Numbers of each sample of a batch.

Samples are reduced one by one: a reduction over the batch rounds differently for another batch size, and a picture must
not depend on its neighbours.
"""

import torch
from torch import Tensor


def per_sample(values: Tensor, like: Tensor) -> Tensor:
    """`[B] → [B, 1, ...]`, to be multiplied with `like`, `[B, ...]`."""
    return values.view(-1, *[1] * (like.ndim - 1))


def norm_per_sample(x: Tensor) -> Tensor:
    """The L2 norm of each sample, `[B, ...] → [B, 1, ...]`."""
    return per_sample(torch.stack([torch.linalg.vector_norm(sample) for sample in x]), x)


def dot_per_sample(a: Tensor, b: Tensor) -> Tensor:
    """The scalar product of each pair of samples, `[B, ...]` and `[B, ...]` → `[B]`."""
    return torch.stack([(one * other).sum() for one, other in zip(a, b)])


def usable(gradient: Tensor) -> Tensor:
    """Which samples' gradients give a direction: finite and not zero. `[B, ...] → bool [B]`."""
    norms = norm_per_sample(gradient).flatten()
    return norms.isfinite() & (norms > 0)
