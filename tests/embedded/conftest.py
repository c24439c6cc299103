"""People that no embedded network was trained on; not to be changed."""

import pytest
import torch
from torch import Tensor

from embedded.held_out import held_out_faces, held_out_maps


@pytest.fixture(scope="session")
def faces() -> Tensor:
    """The first picture of each, `[128, 3, 64, 64]`, RGB in [0, 1]."""
    return torch.from_numpy(held_out_faces()).movedim(-1, 1) / 255


@pytest.fixture(scope="session")
def maps() -> Tensor:
    """Its map, `[128, 64, 64]`."""
    return torch.from_numpy(held_out_maps()).long()
