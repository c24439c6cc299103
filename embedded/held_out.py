"""128 held-out people for demonstrations, benchmarks and tests; no embedded model was trained on them.

    python -m embedded.held_out --data DIR

writes anew what lies in `faces/held_out/`, from the test split that `faces/draw.mjs` drew: two pictures of each
of 128 people, 32 of each style, the maps of the first pictures, and what there is to say of all. The designs' licences
are in `faces/README.md`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "faces" / "held_out"
STYLES = ("toon", "flat", "ink", "pixel")  # person i is of STYLES[i % 4]
PEOPLE = 128
SIDE, COLUMNS = 64, 16
SHEETS = ("first.png", "second.png")


def held_out_faces(picture: int = 0) -> np.ndarray:
    """The faces, uint8 `[128, 64, 64, 3]` (person, row, column, RGB). Person i has the style `STYLES[i % 4]`.

    picture: 0 for each person's first picture, 1 for another of the same people: another expression, clothes,
        background, perhaps glasses.
    """
    with Image.open(FOLDER / SHEETS[picture]) as sheet:
        return untile(np.asarray(sheet.convert("RGB")))


def held_out_maps() -> np.ndarray:
    """The segmentation maps of the first pictures, uint8 `[128, 64, 64]`: numbers of `face_data.CLASSES`."""
    with Image.open(FOLDER / "maps.png") as sheet:
        return untile(np.asarray(sheet))


def held_out_facts(picture: int = 0) -> list[dict]:
    """What there is to say of each picture of `held_out_faces(picture)`: caption, style, hair_color, …"""
    lines = (FOLDER / "faces.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines][picture::2]


def tile(pictures: np.ndarray) -> np.ndarray:
    """`[N, 64, 64, ...]` → one sheet, 16 pictures in a row."""
    rows = pictures.reshape(-1, COLUMNS, *pictures.shape[1:]).swapaxes(1, 2)
    return rows.reshape(-1, COLUMNS * SIDE, *pictures.shape[3:])


def untile(sheet: np.ndarray) -> np.ndarray:
    rows = sheet.reshape(-1, SIDE, COLUMNS, SIDE, *sheet.shape[2:]).swapaxes(1, 2)
    return rows.reshape(-1, SIDE, SIDE, *sheet.shape[2:])


def choose(split: Path) -> list[list[dict]]:
    """The first two pictures of each of the 128 people, the styles in turn."""
    people: dict[str, list[dict]] = {}
    with (split / "faces.jsonl").open(encoding="utf-8") as lines:
        for face in map(json.loads, lines):
            people.setdefault(face["person"], []).append(face)
    by_style = [[faces for faces in people.values() if faces[0]["style"] == style] for style in STYLES]
    return [faces[:2] for turn in zip(*by_style) for faces in turn][:PEOPLE]


def write(split: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    people = choose(split)
    images, maps = (np.load(split / name, mmap_mode="r") for name in ("images.npy", "maps.npy"))
    for picture, name in enumerate(SHEETS):
        pictures = images[[faces[picture]["index"] for faces in people]]
        Image.fromarray(tile(pictures)).save(FOLDER / name, optimize=True)
    firsts = tile(maps[[faces[0]["index"] for faces in people]])
    Image.fromarray(firsts).save(FOLDER / "maps.png", optimize=True)
    facts = [{name: fact for name, fact in face.items() if name != "design"} for faces in people for face in faces]
    lines = [json.dumps(face, ensure_ascii=False) for face in facts]
    (FOLDER / "faces.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote, with test/ in it")
    write(parser.parse_args().data / "test")
