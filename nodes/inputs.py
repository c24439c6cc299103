"""Inputs that several nodes have, so that they mean and say the same everywhere."""

import comfy.samplers
from comfy_api.latest import io

from ..guidance_losses import SHRINK_KERNELS
from ..host import LOSS_DECODERS, VAE
from .sockets import GuidanceMethodSocket, GuidanceRateSocket


def range_inputs(what: str) -> list[io.Input]:
    """`start_percent` and `end_percent` of the run, for `what`."""
    return [
        io.Float.Input(
            name,
            default=default,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip=f"Where in the run {what} {verb}: 0 is pure noise, 1 the finished picture.",
        )
        for name, default, verb in (("start_percent", 0.0, "begins"), ("end_percent", 1.0, "ends"))
    ]


def weight_input() -> io.Input:
    """A loss's `weight`."""
    return io.Float.Input(
        "weight",
        default=1.0,
        min=0.0,
        max=1000.0,
        step=0.01,
        tooltip="Share of this loss among several. Alone, its size makes no difference to DSG.",
    )


def place_input() -> io.Input:
    """Where a loss looks at the picture."""
    return io.Mask.Input("place", optional=True, tooltip="White where it is looked at. Without it, everywhere.")


def noise_level_input() -> io.Input:
    """The `noise_level` of a loss that compares with a measurement."""
    return io.Float.Input(
        "noise_level",
        default=0.0,
        min=0.0,
        max=1.0,
        step=0.001,
        optional=True,
        tooltip="Standard deviation of the noise in the image, whose pixels go from 0 to 1. Used by the automatic rate "
        "alone, which stops where only noise is left. 0: unknown.",
    )


def shrink_inputs() -> list[io.Input]:
    """`factor` and `kernel`: how a small picture is made of a large one."""
    return [
        io.Int.Input(
            "factor", default=4, min=2, max=16, tooltip="How many times larger the large picture is, each way."
        ),
        io.Combo.Input(
            "kernel",
            options=list(SHRINK_KERNELS),
            default=SHRINK_KERNELS[0],
            tooltip="How it is made small. bicubic: as good programs do, area: the mean of each square of pixels.",
        ),
    ]


def blur_inputs() -> list[io.Input]:
    """`blur`, `size`, `std` and `angle`: a blur kernel, and the optional `kernel` that replaces it."""
    return [
        io.Combo.Input(
            "blur", options=["gaussian", "motion"], tooltip="gaussian: out of focus. motion: a moving camera."
        ),
        io.Int.Input(
            "size",
            default=25,
            min=3,
            max=255,
            step=2,
            tooltip="Width and height of the kernel in pixels, an odd number; for motion, how far it moves.",
        ),
        io.Float.Input(
            "std",
            default=3.0,
            min=0.1,
            max=100.0,
            step=0.1,
            tooltip="gaussian: standard deviation in pixels, at most about a fifth of the size.",
        ),
        io.Float.Input(
            "angle",
            default=0.0,
            min=-360.0,
            max=360.0,
            step=1.0,
            tooltip="motion: direction in degrees, anti-clockwise from the right.",
        ),
        io.Image.Input(
            "kernel",
            optional=True,
            tooltip="A picture of the kernel, what a point of light became, instead of the four above. Odd size.",
        ),
    ]


def where_input() -> io.Input:
    """A loss's optional `where`."""
    return io.Mask.Input(
        "where", optional=True, tooltip="White where this loss may change the picture. Without it, everywhere."
    )


def rate_input() -> io.Input:
    """A sampler's `guidance_rate`."""
    return io.Float.Input(
        "guidance_rate",
        default=0.2,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="How much of each step's direction the losses decide: 0 is the model alone, 1 steepest descent. "
        "The paper uses 0.05 to 0.2.",
    )


def sampling_inputs() -> list[io.Input]:
    """Those of the host's KSampler, and `vae` and `guidance_rate`."""
    return [
        io.Model.Input("model", tooltip="Any diffusion model that the host samples."),
        io.Conditioning.Input("positive", tooltip="What to draw, with the losses applied to it."),
        io.Conditioning.Input("negative", tooltip="What to avoid."),
        io.Latent.Input("latent_image", tooltip="The latent to start from; its noise mask is honoured."),
        vae_input(),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**64 - 1,
            control_after_generate=True,
            tooltip="The same seed gives the same picture.",
        ),
        io.Int.Input("steps", default=20, min=1, max=10000, tooltip="Number of steps. 20 to 50 is enough."),
        io.Float.Input(
            "cfg",
            default=1.0,
            min=0.0,
            max=100.0,
            step=0.1,
            round=0.01,
            tooltip="Classifier-free guidance, beside the losses. 1 turns it off and halves the cost.",
        ),
        io.Combo.Input(
            "scheduler",
            options=comfy.samplers.SCHEDULER_NAMES,
            default="normal",
            tooltip="How the noise falls over the steps.",
        ),
        io.Float.Input(
            "denoise",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip="Below 1, the run starts from the latent with part of the noise only.",
        ),
        rate_input(),
    ]


def steering_inputs() -> list[io.Input]:
    """A sampler's optional `rate_blend`, `method`, `balance_losses` and `loss_decoder`."""
    return [
        GuidanceRateSocket.Input(
            "rate_blend", optional=True, tooltip="A rate that changes over the run; replaces guidance_rate."
        ),
        GuidanceMethodSocket.Input("method", optional=True, tooltip="Another method than DSG."),
        io.Boolean.Input(
            "balance_losses",
            optional=True,
            default=True,
            tooltip="Several losses count by their weights alone. Off: the plain sum, where a large gradient wins.",
        ),
        io.Combo.Input(
            "loss_decoder",
            options=LOSS_DECODERS,
            default=VAE,
            optional=True,
            tooltip="What shows the losses the estimate. VAE: exact. small decoder: several times faster, needs the "
            "model's file in models/vae_approx. latent colours: no network, for colours and layout alone.",
        ),
    ]


def vae_input() -> io.Input:
    """A sampler's `vae`."""
    return io.Vae.Input("vae", tooltip="The model's. Decodes the estimate for the losses.")
