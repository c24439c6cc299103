"""Losses made ready for the pictures of a run. What is wrong with one is said with the name of its node."""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..guidance_losses import InputError, Loss, VideoLoss
from ..sampling import LossTerm
from ..sampling.differentiation.memory import is_out_of_memory
from ..sampling.estimate import value_and_gradient
from ..sampling.loss_error import FAILURES, LossError, own_error
from .conditioning import AppliedLoss

MOST_SAID = 300  # letters of a loss's own words


@contextlib.contextmanager
def named(applied: AppliedLoss, name: str) -> Iterator[None]:
    """Say whatever goes wrong with this loss as an InputError of its node, in one sentence.

    Args:
        name: of the loss among those of the run; it is told where the node's name does not say which one it is.
    """
    alone = name == applied.loss.name and not applied.tried
    place = applied.node if alone else f"{applied.node} ({name})"
    try:
        yield
    except InputError as error:
        raise error.at(place) from error
    except LossError as error:
        raise InputError(str(error), applied.node) from error
    except FAILURES as error:
        if is_out_of_memory(error):
            raise
        if isinstance(error, ValueError):  # how a loss says that it cannot be computed for such pictures
            raise InputError(" ".join(str(error)[:MOST_SAID].split()), place) from error
        raise InputError(str(own_error(name, error)), applied.node) from error


def fitted(
    loss: Loss,
    applied: AppliedLoss,
    name: str,
    videos: int,
    frames: int,
    height: int,
    width: int,
    device: torch.device,
) -> Callable[[Tensor], Tensor]:
    """What the loss makes of pictures `[videos·frames, 3, height, width]`; one of another pack is tried first.

    Args:
        loss: that of `applied`, with tensors of its own.
        videos: or still pictures, of one frame each.

    Returns: a function to a value for each picture, or for each video if the loss is of these.

    Raises:
        InputError: in one sentence that begins with the node's name, if there can be no such loss of these.
    """
    with named(applied, name):
        values = videos if isinstance(loss, VideoLoss) else videos * frames
        ready = loss.fit(values, height, width, device)
        if isinstance(loss, VideoLoss):
            ready = frames_together(ready, videos)
        if applied.tried:
            images = torch.rand(videos * frames, 3, height, width, generator=torch.Generator().manual_seed(0))
            try_on_pictures(LossTerm(name, ready), images.to(device), values)
    return ready


def frames_together(loss: Callable[[Tensor], Tensor], videos: int) -> Callable[[Tensor], Tensor]:
    """A `VideoLoss` as a function of the frames one after the other, `[videos·K, 3, H, W]` → `[videos]`."""
    return lambda pictures: loss(pictures.unflatten(0, (videos, -1)))


def try_on_pictures(term: LossTerm, images: Tensor, values: int) -> None:
    """Raises LossError if the loss of pictures, which gives so many values, or its gradient fails on these.

    Uses up no random numbers.
    """
    drawing = [images.device] if images.device.type == "cuda" else []
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(drawing):
        try:
            value_and_gradient(term, images.clone().requires_grad_(), values)
        except RuntimeError as error:
            if not is_out_of_memory(error):  # for that, the run has remedies
                raise
