"""Faces moved, scaled and mirrored together with their maps: here they stand always at the same place."""

import torch
from torch import Tensor
from torch.nn import functional as F

SCALES = (0.6, 1.2)
FARTHEST = 0.25  # of the picture's side, to each side
NO_FACE = 0.1  # of the pictures: their tiles in another order, so that nothing is to be found
TILE = 8


def moved(images: Tensor, maps: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Faces `[B, 3, H, W]` and their maps `[B, H, W]`, each pair otherwise; the edge's colours go on outwards.

    Some lose their face: tiles of the picture in another order, an empty map.
    """
    count = len(images)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    scale = uniform(*SCALES)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0], place[:, 1, 1] = mirror / scale, 1 / scale
    place[:, :, 2] = uniform(-2 * FARTHEST, 2 * FARTHEST, 2)  # the grid's width is 2
    grid = F.affine_grid(place, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    outside = (grid.abs() > 1).any(-1)
    maps = F.grid_sample(maps[:, None].float(), grid, mode="nearest", align_corners=False)[:, 0].long()
    maps = maps.masked_fill(outside, 0)
    lost = uniform(0, 1) < NO_FACE
    images[lost] = shuffled_tiles(images[lost], generator)
    return images, maps.masked_fill(lost.view(-1, 1, 1), 0)


def shuffled_tiles(images: Tensor, generator: torch.Generator) -> Tensor:
    """`[B, 3, H, W]` with its tiles in another order, the same one for all."""
    tiles = F.unfold(images, TILE, stride=TILE)
    order = torch.randperm(tiles.shape[-1], generator=generator)
    return F.fold(tiles[..., order], images.shape[-2:], TILE, stride=TILE)
