"""64 held-out faces for demonstrations, benchmarks and tests; no embedded model was trained on these people.

    python -m embedded.held_out --data DIR

writes them anew to `faces/held_out.png`, a sheet of 8×8 tiles, from the test split that `faces/draw.mjs` drew: the
first picture of each of 64 people, 16 of each style. The designs' licences are in `faces/README.md`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

SHEET = Path(__file__).parent / "faces" / "held_out.png"
STYLES = ("toon", "flat", "ink", "pixel")  # face i is of STYLES[i % 4]
SIDE, TILES = 64, 8


def held_out_faces() -> np.ndarray:
    """The faces, uint8 `[64, 64, 64, 3]` (face, row, column, RGB). Face i has the style `STYLES[i % 4]`."""
    with Image.open(SHEET) as sheet:
        tiles = np.asarray(sheet.convert("RGB")).reshape(TILES, SIDE, TILES, SIDE, 3)
    return tiles.swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3)


def choose(split: Path) -> list[int]:
    """Where the 64 faces are in a split: the first picture of each person, the styles in turn."""
    firsts: dict[str, dict] = {}
    with (split / "faces.jsonl").open(encoding="utf-8") as lines:
        for face in map(json.loads, lines):
            firsts.setdefault(face["person"], face)
    by_style = [[face["index"] for face in firsts.values() if face["style"] == style] for style in STYLES]
    return [index for turn in zip(*by_style) for index in turn][: TILES**2]


def write_sheet(split: Path) -> None:
    faces = np.load(split / "images.npy", mmap_mode="r")[choose(split)]
    tiles = faces.reshape(TILES, TILES, SIDE, SIDE, 3).swapaxes(1, 2)
    Image.fromarray(tiles.reshape(TILES * SIDE, TILES * SIDE, 3)).save(SHEET, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote, with test/ in it")
    write_sheet(parser.parse_args().data / "test")
