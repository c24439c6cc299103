"""Writes a trained network as a folder of Hugging Face's kind: config.json, weights, preprocessor_config.json."""

import json
from pathlib import Path

from transformers import PreTrainedModel

MEAN = STD = 0.5


def write_folder(network: PreTrainedModel, folder: Path, processor: str, side: int) -> None:
    """In half precision.

    Args:
        processor: transformers' class that prepares pictures for networks of the kind.
        side: of the square, in pixels, at which the network looks at a picture.
    """
    network.half().save_pretrained(folder)
    preprocessing = {
        "image_processor_type": processor,
        "do_resize": True,
        "size": {"height": side, "width": side},
        "resample": 2,  # bilinear
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [MEAN] * 3,
        "image_std": [STD] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing, indent=2) + "\n", encoding="utf-8")
