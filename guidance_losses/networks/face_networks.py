"""What losses on faces look through."""

from torch import nn

from .face import FaceNetwork
from .face_detector import FaceDetector


class FaceNetworks(nn.Module):
    """The network that recognises faces, and the one that finds them, if there is one."""

    def __init__(self, recogniser: FaceNetwork, detector: FaceDetector | None = None):
        super().__init__()
        self.recogniser, self.detector = recogniser, detector
