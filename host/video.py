"""Losses on the frames of a video: which ones they look at, how these are decoded, and one value a video."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from ..guidance_losses import InputError, MeasuredLoss, VideoLoss, norm
from ..sampling import Decoders
from ..sampling.differentiation.checkpointing import checkpointed
from ..sampling.differentiation.slicing import Slice, context_of, decode_slices, frames_of_a_latent, slices
from ..sampling.loss_error import one_each
from .conditioning import AppliedLoss
from .decoder import CORNER, Decoder

WHOLE = (
    "DSG: each frame of this VAE hangs on the whole video, so all of it was decoded for the losses; a longer one takes "
    "more memory."
)
STILL = "it takes a video, and this is a still picture; make a video, or take the node away."


def frames_seen(applied: AppliedLoss, count: int) -> Sequence[int]:
    """The numbers of the frames that a loss looks at, of a video of so many; a still picture is one frame.

    Raises:
        InputError: in one sentence, if there are none for it.
    """
    together = isinstance(applied.loss, VideoLoss)
    if count == 1 and (applied.frames or together):
        raise InputError(STILL, applied.chooser)
    if count == 1 and applied.no_still:
        raise InputError(applied.no_still)
    try:
        frames = applied.frames.among(count) if applied.frames else range(count)
    except InputError as error:
        raise error.at(applied.chooser or applied.node) from error
    return applied.loss.looks_at(frames) if isinstance(applied.loss, VideoLoss) else frames


def frames_decoders(
    decoder: Decoder,
    latent: Tensor,
    size: tuple[int, int, int],
    frames: Sequence[int],
    tell: Callable[[str], None],
) -> Decoders:
    """The ways to decode these frames of such a latent, whose samples are videos of this size (frames, height, width).

    Slices are decoded where that is about what the whole gives, by a trial on a corner.

    Args:
        tell: says to the user what they should know, in a sentence.
    """
    ways = decoder.variants(latent, size)
    if size[0] == 1:
        return ways
    k = frames_of_a_latent(latent.shape[2], size[0])
    context = context_of(decoder, white_noise(latent), size[0], k) if k else None
    if not k or not context:
        tell(WHOLE)
        return ways.each(lambda way: partial(decode_slices, way, slices=[Slice(0, None, list(frames))]))
    ways = replace(ways, sparing=partial(checkpointed, decoder))  # a slice at a time, and no blocks: they do not nest
    return ways.each(lambda way: partial(decode_slices, way, slices=slices(frames, k, context)))


def white_noise(latent: Tensor) -> Tensor:
    """The same in each run, a corner of the latent in size."""
    corner = latent[:1, ..., :CORNER, :CORNER]
    return torch.randn(corner.shape, generator=torch.Generator().manual_seed(0)).to(corner)


def one_a_video(
    function: Callable[[Tensor], Tensor], applied: AppliedLoss, name: str, videos: int, places: Sequence[int]
) -> Callable[[Tensor], Tensor]:
    """A loss of pictures, or of videos, as one of the decoded frames: `[videos·frames, 3, H, W]` → `[videos]`.

    The norms of a measurement's frames make the norm over all, the values of other losses their mean.

    Args:
        places: of the frames that it looks at, among the decoded ones of a video.
    """
    count = videos * (1 if isinstance(applied.loss, VideoLoss) else len(places))
    total = norm if isinstance(applied.loss, MeasuredLoss) else partial(torch.mean, dim=1)

    def loss(images: Tensor) -> Tensor:
        seen = images.unflatten(0, (videos, -1))[:, places].flatten(0, 1)
        return total(one_each(name, function(seen), count).view(videos, -1))

    return loss
