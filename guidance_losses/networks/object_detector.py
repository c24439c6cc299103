"""Object detectors that users have: torchvision's, as trained on COCO or on their own classes. No downloads.

Faster R-CNN: Ren et al. 2015, arXiv 1506.01497; RetinaNet: Lin et al. 2017, arXiv 1708.02002; FCOS: Tian et al. 2019,
arXiv 1904.01355.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..input_error import InputError
from .file_kind import network_kind
from .model_file import loader
from .size_limits import build
from .small_fcos import small_fcos
from .weights_file import read_labels, read_weights

WANTED = "torchvision's own .pth file"
SMALL = "fcos_small"
DETECTORS = (
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "retinanet_resnet50_fpn_v2",
    "retinanet_resnet50_fpn",
    "fcos_resnet50_fpn",
    SMALL,
)
# The weight that has one row, or as many as said, for each class, by the beginning of the architecture's name.
CLASS_ROWS = {
    "fasterrcnn": ("roi_heads.box_predictor.cls_score.weight", 1),
    "retinanet": ("head.classification_head.cls_logits.weight", 9),
    "fcos": ("head.classification_head.cls_logits.weight", 1),
}
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

    Its classes have the names that a `.safetensors` file gives them in its metadata, as `labels`: JSON, a name for each
    number from 1. Without them 91 classes are COCO's, and others have numbers for names.

    Args:
        path: `.safetensors` or `.pth`, of which tensors alone are read.
        architecture: one of `DETECTORS`.

    Raises:
        InputError: in one sentence, if the file is damaged or holds another network.
    """
    weights = read_weights(path, WANTED)
    try:
        classes = number_of_classes(weights, architecture)
        network = build(lambda: fresh_network(architecture, classes), weights)
        network.load_state_dict(weights)
    except (InputError, RuntimeError) as error:
        raise InputError(
            f"its weights are not those of a {architecture}, but of {network_kind(weights)}; "
            "choose another architecture, or another file"
        ) from error
    if architecture in WITHOUT_EPSILON:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
    return ObjectDetector(network, class_labels(path, classes))


def number_of_classes(weights: Mapping[str, Tensor], architecture: str) -> int:
    """How many these weights know, the background, which is number 0, among them.

    Raises:
        InputError: if they are not those of such an architecture.
    """
    name, rows = CLASS_ROWS[architecture.split("_")[0]]
    if name not in weights or weights[name].ndim == 0 or weights[name].shape[0] % rows:
        raise InputError(f"it has no {name} of a {architecture}")
    return weights[name].shape[0] // rows


def fresh_network(architecture: str, classes: int) -> nn.Module:
    from torchvision.models import get_model

    if architecture == SMALL:
        return small_fcos(classes)
    return get_model(architecture, weights=None, weights_backbone=None, num_classes=classes)


def coco_labels() -> dict[int, str]:
    """The names of COCO's classes by torchvision's numbers, from 0; those that are no class among them."""
    from torchvision.models import get_model_weights

    return dict(enumerate(get_model_weights(DETECTORS[0]).DEFAULT.meta["categories"]))


def class_labels(path: Path, classes: int) -> dict[int, str]:
    """The names of so many classes by their numbers; those that are no class are left out.

    Raises:
        InputError: if the file names others.
    """
    coco = coco_labels()
    if path.suffix == ".safetensors" and (named := read_labels(path)):
        if any(not 0 < number < classes for number in named):
            raise InputError(f"its labels are not of its {classes - 1} classes, numbered from 1")
        return named
    if classes == len(coco):
        return {number: name for number, name in coco.items() if name not in ("__background__", "N/A")}
    return {number: f"class {number}" for number in range(1, classes)}
