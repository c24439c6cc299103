"""From the sampler's latents to pictures, with a gradient."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import comfy.model_management
import torch
from torch import Tensor

from ..sampling import Decoders
from ..sampling.differentiation.checkpointing import checkpointing
from ..sampling.differentiation.memory import is_out_of_memory
from ..sampling.differentiation.tiling import TILE, decode_in_tiles

CORNER = 8  # of a latent, each way


@dataclass(frozen=True)
class Decoder:
    """From the sampler's latents to pictures, with a gradient: what `VAE.decode` does, without its clamp."""

    vae: Any
    model: Any
    found: list[bool] = field(default_factory=list)  # what `repeatable` found

    def __call__(self, latent: Tensor) -> Tensor:
        """`[B, C, (T,) H, W]` → `[B or B·T, 3, H, W]`, in about [0, 1]."""
        raw = self.vae.first_stage_model.decode(self.raw_latent(latent).to(self.vae.vae_dtype))
        if raw.ndim == 5:
            raw = raw.transpose(1, 2).flatten(0, 1)
        scale, offset = self.output_range()
        return raw.float() * scale + offset

    def raw_latent(self, latent: Tensor) -> Tensor:
        """The latent by the scale of the VAE."""
        return self.model.process_latent_out(latent)

    def networks(self) -> list:
        """The host's handles on what must be on the device."""
        return [self.vae.patcher]

    def checkpointed(self, latent: Tensor) -> Tensor:
        """The same. If the VAE's blocks can be called again, its pass keeps their inputs alone."""
        if not self.repeatable(latent):
            return self(latent)
        with self._checkpointing():
            return self(latent)

    def repeatable(self, latent: Tensor) -> bool:
        """Whether checkpoints change nothing, by a trial on a corner, once a run.

        The decoders of some video models carry state from block to block, so that a second call of a block is another.
        """
        if not self.found:
            corner = latent[:1, ..., :CORNER, :CORNER]
            expected = self._trial(corner)
            try:
                with self._checkpointing():
                    tried = self._trial(corner)
            except comfy.model_management.InterruptProcessingException:
                raise
            except Exception as error:  # whatever the decoder makes of it
                if is_out_of_memory(error):
                    raise
                self.found.append(False)
            else:
                self.found.append(all(map(nearly_equal, tried, expected)))
        return self.found[0]

    @contextlib.contextmanager
    def _checkpointing(self) -> Iterator[None]:
        """Of the blocks of an autoencoder's parts, and of parts that are a mere sequence."""
        network = self.vae.first_stage_model
        with contextlib.ExitStack() as stack:
            for part in (network, *network.children()):
                stack.enter_context(checkpointing(part))
            yield

    def _trial(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures, and a gradient through them."""
        with torch.enable_grad():
            leaf = latent.detach().clone().requires_grad_()
            pictures = self(leaf)
            return pictures.detach(), torch.autograd.grad(pictures.square().sum(), leaf)[0]

    def variants(self, latent: Tensor, size: tuple[int, int, int]) -> Decoders:
        """The ways to decode such a latent, whose samples are pictures of this size (frames, height, width)."""
        scale = size[1] // latent.shape[-2]  # pixels of a latent, each way
        tiled = partial(decode_in_tiles, self, scale=scale) if max(latent.shape[-2:]) > TILE else None
        return Decoders(self, self.checkpointed, tiled)

    def picture_size(self, latent: Tensor) -> tuple[int, int, int]:
        """Frames, height and width of the picture behind one sample, judged by a corner of it.

        Raises:
            ValueError: in one sentence, if the VAE does not belong to the model.
        """
        corner = torch.zeros_like(latent[:1, ..., :CORNER, :CORNER])
        try:
            with torch.no_grad():
                frames, channels, height, width = self(corner).shape
        except (RuntimeError, ValueError) as error:
            if is_out_of_memory(error):
                raise
            channels = 0
        if channels != 3:
            raise ValueError(
                f"DSG: this VAE cannot make a picture of the model's latents ({latent.shape[1]} channels); connect the "
                "VAE that belongs to the model."
            )
        return frames, height * latent.shape[-2] // corner.shape[-2], width * latent.shape[-1] // corner.shape[-1]

    def output_range(self) -> tuple[float, float]:
        """Scale and offset of the VAE's own mapping to [0, 1], read off where no clamp acts."""
        low, high = self.vae.process_output(torch.tensor([0.25, 0.75])).tolist()
        return (high - low) * 2, low - (high - low) * 0.5


def nearly_equal(a: Tensor, b: Tensor) -> bool:
    """Up to the rounding of half precision, over all."""
    return a.shape == b.shape and bool((a - b).float().norm() <= 0.01 * b.float().norm())
