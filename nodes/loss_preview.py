"""What the losses of a conditioning see on a picture, beside what they ask for."""

from typing import Any

import numpy as np
import torch
from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import InputError, VideoLoss, VisibleLoss
from ..host import AppliedLoss, frames_seen, losses_on, named, on_device
from ..sampling.loss_error import one_each
from .checks import image_from_host
from .loss_plot import Seen, plot_losses

NO_LOSS = "the conditioning carries no loss; connect the one that goes into the sampler."


class LossPreview(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_LossPreview",
            display_name="Loss Preview",
            category="DSG/measurements",
            description="Shows what each loss asks for, and what it sees on a picture, with its value.",
            inputs=[
                io.Conditioning.Input("conditioning", tooltip="With the losses, as it goes into the sampler."),
                io.Image.Input("image", tooltip="The finished picture, or any other of its size."),
            ],
            outputs=[io.Image.Output("plot", display_name="plot"), io.String.Output("values", display_name="values")],
        )

    @classmethod
    def execute(cls, conditioning: list, image: Tensor) -> io.NodeOutput:
        applied = losses_on(conditioning)
        if not applied:
            raise InputError(NO_LOSS)
        pictures = image_from_host(image)
        rows = [seen_by(name, each, pictures) for name, each in applied.items()]
        values = "\n".join(f"{row.name}: " + ", ".join(f"{value:.4g}" for value in row.values) for row in rows)
        return io.NodeOutput(torch.from_numpy(plot_losses(rows)).float()[None] / 255, values)


def seen_by(name: str, applied: AppliedLoss, pictures: Tensor) -> Seen:
    """One loss's values, and what it compares, if it can show that. Where it is of a video, pictures are its frames."""
    loss, device, together = applied.loss, on_device(applied.patchers), isinstance(applied.loss, VideoLoss)
    with torch.no_grad(), named(applied, name):
        if applied.frames or together:
            pictures = pictures[list(frames_seen(applied, len(pictures)))]
        images = pictures.to(device)
        count, _, height, width = images.shape
        given, samples = (images[None], 1) if together else (images, count)
        values = one_each(name, loss.fit(samples, height, width, device)(given), samples)
        asked, made = loss.compared(images) if isinstance(loss, VisibleLoss) else ("", images)
    return Seen(name, values.tolist(), asked if isinstance(asked, str) else as_arrays(asked), as_arrays(made))


def as_arrays(pictures: Tensor) -> list[np.ndarray[Any, Any]]:
    """`[N, 3, h, w]` in about [0, 1] → N of `[h, w, 3]`."""
    return list(pictures.clamp(0, 1).movedim(1, -1).cpu().float().numpy())
