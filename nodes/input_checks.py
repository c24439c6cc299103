"""What each kind of input must hold: numbers, choices and texts, pictures and masks, the host's things, the pack's own.

A check takes the input of the schema and what it was given, and raises InputError in one sentence if it cannot be used.
"""

import math
from collections.abc import Callable
from dataclasses import is_dataclass
from numbers import Integral, Real
from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import InputError, enumeration, shown
from ..guidance_losses.networks.classifier import ClassifierNetwork
from ..guidance_losses.networks.clip import ClipNetwork
from ..guidance_losses.networks.csd import CsdNetwork
from ..guidance_losses.networks.depth import DepthNetwork
from ..guidance_losses.networks.face_networks import FaceNetworks
from ..guidance_losses.networks.object_detector import ObjectDetector
from ..guidance_losses.networks.pose import PoseNetwork
from ..guidance_losses.networks.reward_head import RewardHead
from ..guidance_losses.networks.segmentation import SegmentationNetwork
from ..host import LoadedNetwork
from ..sampling import GuidanceMethod, RunReport
from .model_files import FileNames
from .sockets import (
    ClassifierSocket,
    ClipSocket,
    CsdSocket,
    DepthSocket,
    DetectorSocket,
    FaceSocket,
    GuidanceMethodSocket,
    GuidanceRateSocket,
    LossSocket,
    PoseSocket,
    RateBlend,
    ReportSocket,
    RewardHeadSocket,
    SegmentationSocket,
)

MOST_LETTERS = 10_000  # of a text
LONGEST_NAME = 100  # of a loss
LONGEST_SIDE = 16_384  # of a picture, the host's own
MOST_VALUES = 2**29  # of a batch of pictures or of latents: 2 GiB as float32
BRIGHTEST = 100.0  # white is 1; some pictures have lights above it
MOST_NOISES = 100_000  # that the host draws to get at the noise of one latent
GREY, GREY_AND_ALPHA, RGB, RGB_AND_ALPHA = 1, 2, 3, 4  # channels of a picture
LINKED = "check the node that is linked to it"


def check_whole_number(widget: io.Int.Input, value: Any) -> None:
    if not isinstance(value, Integral) or not _is_within(widget, value):
        raise _another_value(widget, value, f"a whole number from {widget.min:g} to {widget.max:g}")


def check_number(widget: io.Float.Input, value: Any) -> None:
    if not _is_within(widget, value):
        raise _another_value(widget, value, f"a number from {widget.min:g} to {widget.max:g}")


def _is_within(widget: io.Float.Input | io.Int.Input, value: Any) -> bool:
    number = isinstance(value, Real) and not isinstance(value, bool)
    return number and math.isfinite(value) and widget.min <= value <= widget.max


def check_switch(widget: io.Boolean.Input, value: Any) -> None:
    if not isinstance(value, bool):
        raise _another_value(widget, value, "true or false")


def check_text(widget: io.String.Input, value: Any) -> None:
    if not isinstance(value, str):
        raise _another_value(widget, value, "a text")
    if len(value) > MOST_LETTERS:
        raise InputError(f"{widget.id} has {len(value)} letters, and at most {MOST_LETTERS} are read; shorten it.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _another_value(widget, value, "a text that can be written in Unicode") from error


def check_choice(widget: io.Combo.Input, value: Any) -> None:
    """That a file is not there is said by `ModelFiles.path`, with the folders that were searched."""
    known = isinstance(value, str) and (value in widget.options or isinstance(widget.options, FileNames))
    if not known:
        raise _another_value(widget, value, f"one of {enumeration(widget.options)}")


def _another_value(widget: io.Input, value: Any, wanted: str) -> InputError:
    return InputError(
        f"{widget.id} is {shown(value)} and must be {wanted}; change it, or the node that is linked to it."
    )


def check_image(socket: io.Input, image: Any) -> None:
    """IMAGE `[N, H, W, C]`, one picture also without N, of 1 to 4 channels; see `image_from_host`."""
    what = f"the {socket.id.replace('_', ' ')}"
    _check_pixels(what, image, "picture")
    if image.ndim not in (3, 4) or image.shape[-1] not in (GREY, GREY_AND_ALPHA, RGB, RGB_AND_ALPHA):
        raise InputError(
            f"{what} has the shape {[*image.shape]}, and a picture has [number, height, width, 1 to 4 channels]; "
            f"{LINKED}."
        )


def check_mask(socket: io.Input, mask: Any) -> None:
    """MASK `[N, H, W]`, `[H, W]`, `[N, 1, H, W]` or `[N, H, W, 1]`; see `mask_from_host`."""
    what = f"the {socket.id.replace('_', ' ')}" + ("" if "mask" in socket.id else " mask")
    _check_pixels(what, mask, "mask")
    if mask.ndim not in (2, 3) and not (mask.ndim == 4 and 1 in (mask.shape[1], mask.shape[3])):
        raise InputError(f"{what} has the shape {[*mask.shape]}, and a mask has [number, height, width]; {LINKED}.")


def _check_pixels(what: str, values: Any, kind: str) -> None:
    """Raises InputError if these are no numbers of a picture or mask, whatever their layout."""
    _check_tensor(what, values, kind)
    if max(values.shape[-3:], default=0) > LONGEST_SIDE:
        raise InputError(
            f"{what} is too large (its shape is {[*values.shape]}); make it smaller than {LONGEST_SIDE} each way."
        )
    whole = not values.is_floating_point() and values.dtype != torch.bool
    low, high = (limit.item() for limit in values.float().aminmax())
    if whole and (low < 0 or high > 255):
        raise InputError(
            f"{what} holds whole numbers from {low:.0f} to {high:.0f}, and a {kind}'s go from 0 to 255; {LINKED}."
        )
    if not whole and max(-low, high) > BRIGHTEST:
        raise InputError(f"{what} holds values from {low:.3g} to {high:.3g}, and a {kind}'s go from 0 to 1; {LINKED}.")


def _check_tensor(what: str, values: Any, kind: str) -> None:
    """Raises InputError if these are no finite real numbers in memory, at least one, and not too many."""
    if not isinstance(values, Tensor):
        raise InputError(f"{what} is no {kind} but a {type(values).__name__}; {LINKED}.")
    if values.is_complex() or values.is_quantized or values.layout != torch.strided or values.device.type == "meta":
        raise InputError(f"{what} is no {kind} but a {values.dtype} on {values.device}; {LINKED}.")
    if not values.numel():
        raise InputError(f"{what} is empty (its shape is {[*values.shape]}); {LINKED}.")
    if values.numel() > MOST_VALUES:
        raise InputError(
            f"{what} is too large (its shape is {[*values.shape]}, more than {MOST_VALUES} values); make it smaller, "
            "or give fewer at once."
        )
    if not values.float().isfinite().all():  # float32 is what becomes of them
        raise InputError(f"{what} holds NaN or infinite values; {LINKED}.")


def check_latent(socket: io.Input, latent: Any) -> None:
    """LATENT: a dict with `samples` `[B, C, (T,) H, W]`, and a `noise_mask` and `batch_index` if there are such."""
    if not isinstance(latent, dict) or "samples" not in latent:
        raise InputError(f"{socket.id} is no latent but {shown(latent)}; connect one.")
    samples: Any = latent["samples"]
    if getattr(samples, "is_nested", False):
        raise InputError("nested latents (several media at once) cannot be guided; guide one of them alone.")
    _check_tensor(socket.id, samples, "latent")
    if not samples.is_floating_point():
        raise InputError(f"{socket.id} holds a {samples.dtype}, and a latent is of floating point; {LINKED}.")
    if samples.ndim not in (4, 5):
        raise InputError(f"this latent is no picture (shape {[*samples.shape]}); audio cannot be guided.")
    mask, numbers = latent.get("noise_mask"), latent.get("batch_index")
    if mask is not None:
        _check_tensor("the latent's noise mask", mask, "mask")
        if mask.ndim not in (2, 3, 4, 5):
            raise InputError(f"the latent's noise mask has the shape {[*mask.shape]}, which is no mask; {LINKED}.")
    if numbers is not None and not _are_numbers_of_noises(numbers, len(samples)):
        raise InputError(
            f"the latent's batch_index is {shown(numbers)}, and it must hold {len(samples)} whole numbers from 0 to "
            f"{MOST_NOISES}, one a picture; {LINKED}."
        )


def _are_numbers_of_noises(numbers: Any, count: int) -> bool:
    return (
        isinstance(numbers, list | tuple)
        and len(numbers) == count
        and all(isinstance(number, Integral) and 0 <= int(number) <= MOST_NOISES for number in numbers)
    )


def check_conditioning(socket: io.Input, conditioning: Any) -> None:
    """CONDITIONING: pairs of a tensor, or None, and a dict."""
    pairs = conditioning if isinstance(conditioning, list | tuple) else []
    if not pairs or not all(_is_pair(pair) for pair in pairs):
        raise InputError(
            f"{socket.id} is no conditioning but {shown(conditioning)}; connect one, as CLIP Text Encode gives it."
        )
    for tensor, _ in pairs:
        if tensor is not None:
            _check_tensor(socket.id, tensor, "conditioning")
            if tensor.ndim < 2:
                raise InputError(
                    f"{socket.id} is a conditioning of shape {tuple(tensor.shape)}, which no model takes; connect one "
                    "as CLIP Text Encode gives it."
                )


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[1], dict)


def check_vae(socket: io.Input, vae: Any) -> None:
    if vae is None or getattr(vae, "first_stage_model", vae) is None:
        raise InputError("there is no VAE in this checkpoint; connect one from a Load VAE node.")
    if not _has(vae, "first_stage_model", "decode", "process_output", "patcher"):
        raise InputError(f"{socket.id} is no VAE but {shown(vae)}; connect one from a Load VAE node.")


def check_model(socket: io.Input, model: Any) -> None:
    if not _has(model, "model", "model_options", "load_device", "get_model_object"):
        raise InputError(f"{socket.id} is no diffusion model but {shown(model)}; connect a model loader.")


def check_clip_vision(socket: io.Input, clip_vision: Any) -> None:
    if not _has(clip_vision, "model", "patcher", "image_mean", "image_std", "image_size"):
        raise InputError(f"{socket.id} is no CLIP_VISION but {shown(clip_vision)}; connect a Load CLIP Vision node.")


def _has(thing: Any, *names: str) -> bool:
    """Of the host's things, what is used: other packs have classes of their own for them."""
    return all(hasattr(thing, name) for name in names)


def check_loss(socket: io.Input, loss: Any) -> None:
    """A loss of another pack; see `guidance_losses.Loss`."""
    made = is_dataclass(loss) and not isinstance(loss, type)
    if not (made and callable(getattr(loss, "fit", None)) and isinstance(getattr(loss, "name", None), str)):
        raise InputError(
            f"a {type(loss).__name__} is no loss, which is a dataclass with a name and a fit method; see "
            "example_pack in ComfyUI-DSG."
        )
    if not (loss.name.isprintable() and 0 < len(loss.name) <= LONGEST_NAME):
        raise InputError(f"a loss's name is one line of 1 to {LONGEST_NAME} letters, and not {shown(loss.name)}.")


def check_network(network: type, node: str) -> Callable[[io.Input, Any], None]:
    """The check of a socket for a loss's network, which a node of this name loads."""

    def check(socket: io.Input, loaded: Any) -> None:
        if not isinstance(loaded, LoadedNetwork) or not isinstance(loaded.module, network):
            raise InputError(f"{socket.id} holds {shown(loaded)}, which fits nothing here; connect the node {node}.")

    return check


def check_kind(kind: type, node: str) -> Callable[[io.Input, Any], None]:
    """The check of a socket for what only our node of this name makes."""

    def check(socket: io.Input, made: Any) -> None:
        if not isinstance(made, kind):
            raise InputError(f"{socket.id} holds {shown(made)}, which fits nothing here; connect the node {node}.")

    return check


CHECKS: dict[str, Callable[[Any, Any], None]] = {
    io.Int.io_type: check_whole_number,
    io.Float.io_type: check_number,
    io.Boolean.io_type: check_switch,
    io.String.io_type: check_text,
    io.Combo.io_type: check_choice,
    io.Image.io_type: check_image,
    io.Mask.io_type: check_mask,
    io.Latent.io_type: check_latent,
    io.Conditioning.io_type: check_conditioning,
    io.Vae.io_type: check_vae,
    io.Model.io_type: check_model,
    io.ClipVision.io_type: check_clip_vision,
    LossSocket.io_type: check_loss,
    ClipSocket.io_type: check_network(ClipNetwork, "Load CLIP"),
    CsdSocket.io_type: check_network(CsdNetwork, "Load CSD"),
    FaceSocket.io_type: check_network(FaceNetworks, "Load Face Model"),
    DetectorSocket.io_type: check_network(ObjectDetector, "Load Object Detector"),
    ClassifierSocket.io_type: check_network(ClassifierNetwork, "Load Classifier"),
    DepthSocket.io_type: check_network(DepthNetwork, "Load Depth Model"),
    PoseSocket.io_type: check_network(PoseNetwork, "Load Pose Model"),
    RewardHeadSocket.io_type: check_network(RewardHead, "Load Reward Head"),
    SegmentationSocket.io_type: check_network(SegmentationNetwork, "Load Segmentation Model"),
    GuidanceRateSocket.io_type: check_kind(RateBlend, "Guidance Rate Blend"),
    GuidanceMethodSocket.io_type: check_kind(GuidanceMethod, "Guidance Method"),
    ReportSocket.io_type: check_kind(RunReport, "DSG KSampler"),
}
