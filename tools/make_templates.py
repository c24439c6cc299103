"""Write the templates in `workflows/` from their description in `tools/templates/`, and the thumbnails beside them.

python -m tools.make_templates                 the workflows; run it after a change of a node's inputs
python -m tools.make_templates --thumbnails    the thumbnails; run it after `make demo`, whose pictures they show
"""

import argparse
import json
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from embedded.held_out import held_out_faces
from tools.host import REPOSITORY
from tools.server import running_host
from tools.templates import TEMPLATES
from tools.templates.inpainting import INPAINT_EMBEDDED, INPAINT_SD
from tools.templates.layout import build


def write_workflows() -> None:
    with running_host() as host:
        object_info = host.get("/object_info").json()
    for template in TEMPLATES:
        path = REPOSITORY / "workflows" / f"{template.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(build(template, object_info), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.relative_to(REPOSITORY))


# --- thumbnails: square, because the template browser shows them so ---------------------------------------------------

DEMO_SHEET = REPOSITORY / "output" / "demo" / "sheet.png"
KNOWN_ROW, DSG_ROW, FACES_SHOWN = 1, 4, (0, 6)  # in the demo's sheet
SIDE, TILE = 400, 192
NEAR, FAR = 4, SIDE - TILE - 4
PAPER, INK = (255, 255, 255), (70, 80, 86)


def _tiles(filled: np.ndarray, count: int) -> list[slice]:
    """The last `count` stretches of rows or columns that are not white all through and wide enough for a tile."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], filled, [0]]).astype(int)))
    stretches = [slice(start, stop) for start, stop in pairwise(edges) if filled[start] and stop - start >= 64]
    return stretches[-count:]


def demo_picture(sheet: np.ndarray, row: int, column: int) -> Image.Image:
    """One 64×64 picture of the demo's sheet of 5 rows and 8 columns, uint8 `[H, W, 3]`."""
    filled = np.any(sheet < 250, axis=2)
    columns = _tiles(np.any(filled, axis=0), 8)
    rows = _tiles(np.any(filled[:, columns[0].start :], axis=1), 5)
    return Image.fromarray(sheet[rows[row], columns[column]]).resize((64, 64), Image.Resampling.NEAREST)


def embedded_thumbnail() -> Image.Image:
    """Two faces of the demo: above what is known of them, below what DSG made of it."""
    with Image.open(DEMO_SHEET) as file:
        sheet = np.asarray(file.convert("RGB"))
    picture = Image.new("RGB", (SIDE, SIDE), PAPER)
    for x, column in zip((NEAR, FAR), FACES_SHOWN):
        for y, row in ((NEAR, KNOWN_ROW), (FAR, DSG_ROW)):
            tile = demo_picture(sheet, row, column)
            picture.paste(tile.resize((TILE, TILE), Image.Resampling.NEAREST), (x, y))
    return picture


def sd_thumbnail() -> Image.Image:
    """The idea, drawn and no result: a picture with a hole becomes a picture."""
    face = Image.fromarray(held_out_faces()[4]).resize((TILE, TILE), Image.Resampling.LANCZOS)
    with_hole = face.copy()
    hole = ImageDraw.Draw(with_hole)
    cell, first, last = 16, 48, 144
    for y in range(first, last, cell):
        for x in range(first, last, cell):
            shade = 235 if (x + y) // cell % 2 else 190
            hole.rectangle((x, y, x + cell - 1, y + cell - 1), fill=(shade, shade, shade))
    picture = Image.new("RGB", (SIDE, SIDE), PAPER)
    picture.paste(with_hole, (NEAR, NEAR))
    picture.paste(face, (FAR, FAR))
    arrow = ImageDraw.Draw(picture)
    start, middle, turn = NEAR + TILE + 24, NEAR + TILE // 2, FAR + TILE // 2
    arrow.line([(start, middle), (turn, middle), (turn, FAR - 40)], fill=INK, width=14, joint="curve")
    arrow.polygon([(turn - 26, FAR - 46), (turn + 26, FAR - 46), (turn, FAR - 12)], fill=INK)
    return picture


def write_thumbnails() -> None:
    for template, draw in ((INPAINT_EMBEDDED, embedded_thumbnail), (INPAINT_SD, sd_thumbnail)):
        path = REPOSITORY / "workflows" / f"{template.name}.jpg"
        draw().save(path, quality=85, optimize=True)
        print(path.relative_to(REPOSITORY))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--thumbnails", action="store_true", help="the thumbnails instead of the workflows")
    if parser.parse_args().thumbnails:
        write_thumbnails()
    else:
        write_workflows()


if __name__ == "__main__":
    main()
