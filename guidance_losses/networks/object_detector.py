"""Object detectors that users have: torchvision's, trained on COCO, from the file of their weights. No downloads.

Faster R-CNN: Ren et al. 2015, arXiv 1506.01497; RetinaNet: Lin et al. 2017, arXiv 1708.02002; FCOS: Tian et al. 2019,
arXiv 1904.01355.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from ..input_error import InputError
from .file_kind import network_kind
from .model_file import loader
from .size_limits import build
from .weights_file import read_weights

WANTED = "torchvision's own .pth file"
DETECTORS = (
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "retinanet_resnet50_fpn_v2",
    "retinanet_resnet50_fpn",
    "fcos_resnet50_fpn",
)
# The published weights of these were trained before torchvision's frozen batch normalisation had an epsilon.
WITHOUT_EPSILON = ("fasterrcnn_resnet50_fpn", "retinanet_resnet50_fpn")


class ObjectDetector(nn.Module):
    """How little a picture shows the objects that are asked for: the loss with which the detector was trained.

    Its weights take no gradient, and its batch normalisation keeps the statistics of its training.

    Args:
        network: a detection model of torchvision's interface.
        labels: the names of its classes by their numbers; those that are no class are left out.
    """

    def __init__(self, network: nn.Module, labels: dict[int, str]):
        super().__init__()
        self.network = network
        self.labels = labels
        self.train().requires_grad_(False)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    def forward(self, image: Tensor, boxes: Tensor, classes: Tensor) -> Tensor:
        """The sum of the detector's own losses, a scalar. It is the same at each call: its random draws repeat.

        Args:
            image: `[3, H, W]`, RGB in [0, 1].
            boxes: `[K, 4]`: left, top, right, bottom in pixels, K ≥ 1.
            classes: `[K]`, int64: what is in each.
        """
        devices = [image.device] if image.device.type == "cuda" else []
        with torch.random.fork_rng(devices):  # a detector's losses are those of some of its anchors, drawn at random
            torch.manual_seed(0)
            losses = self.network([image], [{"boxes": boxes, "labels": classes}])
        return torch.stack([*losses.values()]).sum()


@loader("an object detector")
def load_object_detector(path: Path, architecture: str) -> ObjectDetector:
    """Read a detector from the file of its weights, in single precision, onto the CPU.

    Args:
        path: `.safetensors` or `.pth`, of which tensors alone are read.
        architecture: one of `DETECTORS`.

    Raises:
        InputError: in one sentence, if the file is damaged or holds another network.
    """
    from torchvision.models import get_model, get_model_weights

    weights = read_weights(path, WANTED)
    try:
        network = build(lambda: get_model(architecture, weights=None, weights_backbone=None), weights)
        network.load_state_dict(weights)
    except (InputError, RuntimeError) as error:
        raise InputError(
            f"its weights are not those of a {architecture} for COCO's 91 classes, but of {network_kind(weights)}; "
            "choose another architecture, or another file"
        ) from error
    if architecture in WITHOUT_EPSILON:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
    names = enumerate(get_model_weights(architecture).DEFAULT.meta["categories"])
    return ObjectDetector(network, {number: name for number, name in names if name not in ("__background__", "N/A")})
