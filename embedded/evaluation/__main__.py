"""Measure all embedded networks and their judges on the test split, whose people no network was trained on.

    python -m embedded.evaluation --data DIR

It prints the figures that stand in the cards of `embedded/weights/`, and writes them to
`benchmarks/results/embedded_suite.json`. `python -m benchmarks.unguided` measures the diffusion models.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from embedded.evaluation import attributes, classifier, clip, depth, detectors, identity, pose, segmentation
from guidance_losses.networks.classifier import load_classifier
from guidance_losses.networks.clip import load_clip
from guidance_losses.networks.depth import load_depth_network
from guidance_losses.networks.face import load_face_network
from guidance_losses.networks.pose import load_pose_network
from guidance_losses.networks.segmentation import load_segmentation_network
from tools.comfyui import REPOSITORY

WEIGHTS = REPOSITORY / "embedded" / "weights"
RESULTS = REPOSITORY / "benchmarks" / "results" / "embedded_suite.json"
LOADERS: dict[str, Callable] = {
    "segmentation/faces": load_segmentation_network,
    "face/faces_irse.onnx": load_face_network,
    "face/faces_irse.safetensors": load_face_network,
    "clip/faces": load_clip,
    "depth/faces": load_depth_network,
    "pose/faces": load_pose_network,
    "classifier/faces": load_classifier,
}


def loading_seconds() -> dict[str, float]:
    """Of each network that guides, the second time: the first imports the libraries."""
    seconds = {}
    for name, load in LOADERS.items():
        load(WEIGHTS / name)
        began = time.perf_counter()
        load(WEIGHTS / name)
        seconds[name] = time.perf_counter() - began
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that faces/draw.mjs wrote")
    data = parser.parse_args().data
    suite = {
        "attributes": attributes,
        "segmentation": segmentation,
        "identity": identity,
        "clip": clip,
        "detectors": detectors,
        "depth": depth,
        "pose": pose,
        "classifier": classifier,
    }
    figures = {name: module.measure(data) for name, module in suite.items()}
    figures["loading"] = {"seconds, once its library is imported": loading_seconds()}
    for name, networks in figures.items():
        for network, values in networks.items():
            print(f"\n{name}: {network}")
            for what, value in values.items():
                print(f"  {what:54s} {value:.4f}")
    rounded = {
        name: {
            network: {what: round(value, 4) for what, value in values.items()} for network, values in networks.items()
        }
        for name, networks in figures.items()
    }
    RESULTS.write_text(json.dumps(rounded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
