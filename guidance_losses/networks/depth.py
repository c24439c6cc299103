"""Networks that see depth: folders as Hugging Face keeps them, of Depth Anything and DPT.

Yang et al., "Depth Anything V2", NeurIPS 2024, arXiv 2406.09414; Ranftl et al., "DPT", ICCV 2021, arXiv 2103.13413. See
`transformers_folder`.
"""

from pathlib import Path

from torch import Tensor, nn

from .model_file import loader
from .transformers_folder import PreparingNetwork, Task, read_folder, resize

NEAREST = 0.1  # metres


def nearness(network: nn.Module, seen: Tensor) -> Tensor:
    """Of prepared pictures, `[B, 1, h, w]`: one over the distance, as far as the network knows it.

    Most networks know it up to a factor and a summand. Those that were trained for metres give the distance itself.
    """
    found = network(seen).predicted_depth[:, None]
    is_metric = getattr(network.config, "depth_estimation_type", "relative") == "metric"
    return 1 / found.clamp(min=NEAREST) if is_metric else found


DEPTH = Task(
    "depth of the kinds Depth Anything or DPT",
    ("DepthAnythingForDepthEstimation", "DPTForDepthEstimation"),
    "AutoModelForDepthEstimation",
    nearness,
    named=False,
)


class DepthNetwork(PreparingNetwork):
    """Pictures `[B, 3, H, W]`, RGB in [0, 1], of any size → nearness `[B, 1, H, W]`; see `nearness`."""

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        return resize(nearness(self.network, self.seen(images)), (height, width))


@loader("a depth network")
def load_depth_network(folder: Path) -> DepthNetwork:
    """Read a depth network from its folder, in single precision, onto the CPU.

    Raises:
        InputError: in one sentence, if the folder is damaged, of another kind, or has its weights in a pickle only.
    """
    network, preprocessing, _ = read_folder(folder, DEPTH, whole_picture=True)
    return DepthNetwork(network, preprocessing)
