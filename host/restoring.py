"""Finished pictures, changed by the losses that put back what is known."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .conditioning import AppliedLoss
from .decoder import Decoder
from .video import frames_seen


def restored(vae: Any, model: Any, latent: Tensor, losses: Sequence[AppliedLoss]) -> Tensor:
    """Change pictures behind the latent. Only the difference is encoded, so the rest keeps its latent as it is.

    Args:
        losses: of the run; the `restore` of one changes the frames that it looks at.
    """
    decoder = Decoder(vae, model)

    def encode(images: Tensor) -> Tensor:
        samples = images.movedim(1, -1).cpu()
        videos = samples.unflatten(0, (len(latent), -1)) if latent.ndim == 5 else [samples]
        return model.process_latent_in(torch.cat([vae.encode(video) for video in videos]).to(images.device))

    with torch.no_grad():
        before = decoder(latent).clamp(0, 1)
        after = before.unflatten(0, (len(latent), -1)).clone()
        for applied in losses:
            if applied.restore is not None:
                frames = list(frames_seen(applied, after.shape[1]))
                changed = applied.restore(after[:, frames].flatten(0, 1))
                after[:, frames] = changed.unflatten(0, (len(latent), -1))
        return latent + encode(after.flatten(0, 1)) - encode(before)
