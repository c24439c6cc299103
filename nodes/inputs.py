"""Inputs that several nodes have, so that they mean and say the same everywhere."""

from comfy_api.latest import io

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


def steering_inputs() -> list[io.Input]:
    """A sampler's optional `rate_blend`, `method` and `balance_losses`."""
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
    ]


def vae_input() -> io.Input:
    """A sampler's `vae`."""
    return io.Vae.Input("vae", tooltip="Decodes the estimate for the losses. A TAESD makes guided steps cheaper.")
