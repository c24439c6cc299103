"""How well the embedded pose network finds the five points of faces.

    python -m embedded.evaluation.pose --data DIR

measures it on the test split that `embedded/faces/draw.mjs` drew: 512 people that it has not seen, 4 pictures each, as
they are, and moved and scaled as in the training.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from embedded.face_data import FaceData
from embedded.face_parts import face_points
from embedded.training.moved import moved, shuffled_tiles
from guidance_losses.networks.pose import PoseNetwork, load_pose_network
from guidance_losses.pose import surest_places
from tools.comfyui import REPOSITORY

WEIGHTS = REPOSITORY / "embedded" / "weights" / "pose" / "faces"
BATCH = 64


@torch.no_grad()
def found_points(network: PoseNetwork, images: Tensor) -> tuple[Tensor, Tensor]:
    """Where keypoints are seen on pictures `[B, 3, H, W]`, `[B, 5, 2]`; whether the network is sure, `[B, 5]`."""
    height, width = images.shape[-2:]
    region = network.region(torch.tensor([0, 0, width, height]))
    return surest_places(network(images, region), region)


def point_distances(network: PoseNetwork, images: Tensor, maps: Tensor) -> Tensor:
    """Of each point of each picture, in pixels, `[B, 5]`; NaN where the network is not sure or a map has no points."""
    points, sure = found_points(network, images)
    wanted = [face_points(face_map) for face_map in maps]
    nowhere = torch.full_like(points[0], float("nan"))
    far = (points - torch.stack([nowhere if each is None else each for each in wanted])).norm(dim=-1)
    return far.masked_fill(~sure, float("nan"))


def measure(data: Path) -> dict[str, dict[str, float]]:
    """All figures, on the test split under `data`."""
    network, faces = load_pose_network(WEIGHTS), FaceData(data / "test")
    generator, in_tiles = torch.Generator().manual_seed(0), []
    distances: dict[str, list[Tensor]] = {"": [], ", moved": []}
    for start in range(0, len(faces), BATCH):
        batch = slice(start, start + BATCH)
        pairs = {"": (faces.images(batch), faces.maps(batch))}
        pairs[", moved"] = moved(*pairs[""], generator)
        for how, pair in pairs.items():
            there = torch.tensor([face_points(face_map) is not None for face_map in pair[1]])
            distances[how].append(point_distances(network, *pair)[there])
        in_tiles.append(found_points(network, shuffled_tiles(pairs[""][0], generator))[1])
    figures = {}
    for how, found in ((how, torch.cat(each)) for how, each in distances.items()):
        figures[f"points found{how}"] = found.isfinite().float().mean().item()
        figures[f"mean distance of points, pixels{how}"] = found.nanmean().item()
    figures["points found in shuffled tiles"] = torch.cat(in_tiles).float().mean().item()
    return {"guidance": figures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote: test/")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
