"""What a segmentation model sees on a picture."""

import torch
from comfy_api.latest import io
from torch import Tensor

from ..guidance_losses import class_colors
from ..guidance_losses.networks.segmentation import SegmentationNetwork
from ..host import LoadedNetwork, load_network
from .checks import image_from_host
from .segmentation import chosen_classes
from .sockets import SegmentationSocket


def shares(found: Tensor, labels: list[str], colors: Tensor) -> str:
    """Line by line the classes on the pictures, the largest first: their shares of the pixels and their colours."""
    counts = torch.bincount(found.flatten(), minlength=len(labels)) / found.numel()
    lines = []
    for number in counts.argsort(descending=True)[: counts.count_nonzero()].tolist():
        red, green, blue = (255 * colors[number]).int().tolist()  # as the host saves pictures
        lines.append(f"{labels[number]}: {100 * counts[number]:.1f} %, #{red:02x}{green:02x}{blue:02x}")
    return "\n".join(lines)


class SegmentPicture(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_SegmentPicture",
            display_name="Segment Picture",
            category="DSG/measurements",
            description="Shows what a segmentation model sees on a picture, and gives the mask of a class.",
            inputs=[
                SegmentationSocket.Input("model", tooltip="From Load Segmentation Model."),
                io.Image.Input("image", tooltip="The picture, or a batch of them."),
                io.String.Input(
                    "classes", default="all", tooltip='The mask is white on these: "hair", or "hair, skin".'
                ),
            ],
            outputs=[
                io.Image.Output("map", display_name="map"),
                io.Mask.Output("mask", display_name="mask"),
                io.String.Output("found", display_name="found"),
            ],
        )

    @classmethod
    def execute(cls, model: LoadedNetwork[SegmentationNetwork], image: Tensor, classes: str) -> io.NodeOutput:
        labels = model.module.labels
        numbers, _ = chosen_classes(classes, labels)
        pictures = image_from_host(image)
        device = load_network(model)
        with torch.no_grad():
            found = torch.cat([model.module(picture.to(device)).argmax(1).cpu() for picture in pictures.split(1)])
        colors = class_colors(len(labels))
        mask = torch.isin(found, torch.tensor(numbers)).float()
        return io.NodeOutput(colors[found], mask, shares(found, labels, colors))
