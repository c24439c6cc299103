"""Write the templates in `workflows/` from their description here, and the thumbnails beside them.

    python -m tools.make_templates                 the workflows; run it after a change of a node's inputs
    python -m tools.make_templates --thumbnails    the thumbnails; run it after `make demo`, whose pictures they show

A template is a grid of nodes: columns from left to right, as the data flows. A node is its class, its widgets' values
and where its inputs come from. The host tells the order of widgets and slots, so a template cannot fall behind the
nodes.
"""

import argparse
import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from embedded.held_out import held_out_faces
from tools.host import REPOSITORY
from tools.server import running_host
from tools.workflow import WIDGET_TYPES, widget_names

# The front end's own measures, in its canvas's pixels. A node's title bar lies above its position.
TITLE, SLOT, WIDGET = 30, 20, 24
GAP_X, GAP_Y, GROUP_MARGIN = 50, 20, 20
GROUP_COLOR = "#8fa8b2"

# The view that opens: the graph's corner at this place of the window, right of the front end's side bar and below its
# top bars. Without one the front end fits the graph to the window, and draws no text below a scale of 0.57.
SCALE, CORNER = 0.7, (80, 130)


@dataclass
class Node:
    """One node. `links`: input name → (key of another node, its output's number).

    `top` is where it begins; by itself, below the node before it in its column. `height` is for nodes that show text or
    pictures; the others are as high as their slots and widgets. `span` is the number of columns that it covers.
    """

    key: str
    kind: str
    widgets: dict = field(default_factory=dict)
    links: dict[str, tuple[str, int]] = field(default_factory=dict)
    title: str | None = None
    top: int | None = None
    height: int | None = None
    span: int = 1


@dataclass
class Template:
    """`widths`: of the columns. `groups`: title of a frame → keys of the nodes in it."""

    name: str
    widths: list[int]
    columns: list[list[Node]]
    groups: dict[str, list[str]]


def note(text: str, top: int, height: int, span: int) -> Node:
    return Node("note", "MarkdownNote", {"text": text}, title="Read me", top=top, height=height, span=span)


# The front end shows a note's line breaks as they are (here, a line that ends in a backslash goes on), and its newer
# design shows code as blue on blue.
EMBEDDED_NOTE = """## Inpaint with DSG

Press **Run**. A miniature model that comes with the pack restores eight drawn faces, of which 70 % of the pixels are \
hidden, on a CPU.

*Mask Loss* says what the pictures must agree with, *DSG KSampler* steers the model there, and *Guidance Report* shows \
how it went.

**Try:** another *guidance_rate*, more *hidden* pixels in *Random Mask*, another *seed*, or bypass *Mask Loss* (select \
it, Ctrl + B) to see what the model draws by itself.
"""

SD_NOTE = """## Inpaint with DSG

Any Stable Diffusion checkpoint will do; it needs no inpainting training. What is white in the mask is made anew, the \
rest guides the sampler. Choose your checkpoint, your picture and your prompt, then press **Run**.

**A mask of your own:** paint it in the MaskEditor (right-click *Load Image*) and connect *Load Image*'s MASK to \
*Mask Loss*.

**Time and memory:** a guided step goes forward and backward through the model and the VAE: two to three times the \
time of a plain step, and several times its memory. A TAESD in the sampler's *vae* input makes it cheaper.
"""

INPAINT_EMBEDDED = Template(
    "Inpaint with DSG (embedded model, CPU)",
    [245, 265, 240, 260, 270, 380],
    [
        [
            note(EMBEDDED_NOTE, 0, 120, span=5),
            Node("faces", "DSG_LoadEmbeddedFaces", {"first": 0, "count": 8}, top=230),
            Node("model", "DSG_LoadEmbeddedModel", {"model_name": "faces", "style": "any", "batch_size": 8}, top=690),
        ],
        [
            Node(
                "noisy",
                "ImageAddNoise",
                {"seed": 1, "strength": 0.05},
                {"image": ("faces", 0)},
                title="Add noise",
                top=230,
            ),
            Node("hide", "DSG_RandomMask", {"hidden": 0.7, "seed": 2}, {"image": ("faces", 0)}),
        ],
        [
            Node(
                "gray",
                "EmptyImage",
                {"width": 64, "height": 64, "batch_size": 8, "color": 8421504},
                title="Grey, to show",
                top=430,
            ),
            Node(
                "loss",
                "DSG_MaskLoss",
                {
                    "weight": 1.0,
                    "start_percent": 0.0,
                    "end_percent": 1.0,
                    "threshold": 0.5,
                    "restore_known": False,
                },
                {"conditioning": ("model", 1), "image": ("noisy", 0), "mask": ("hide", 0)},
                top=690,
            ),
        ],
        [
            Node(
                "known",
                "ImageCompositeMasked",
                {"x": 0, "y": 0, "resize_source": False},
                {"destination": ("noisy", 0), "source": ("gray", 0), "mask": ("hide", 0)},
                title="What is known",
                top=230,
            ),
            Node(
                "sampler",
                "DSG_KSampler",
                {
                    "seed": 0,
                    "steps": 20,
                    "cfg": 1.0,
                    "scheduler": "normal",
                    "denoise": 1.0,
                    "guidance_rate": 0.2,
                },
                {
                    "model": ("model", 0),
                    "positive": ("loss", 0),
                    "negative": ("model", 2),
                    "latent_image": ("model", 4),
                    "vae": ("model", 3),
                },
                top=690,
            ),
        ],
        [
            Node(
                "show_known",
                "PreviewImage",
                {},
                {"images": ("known", 0)},
                title="Known pixels",
                top=230,
                height=200,
            ),
            Node("decode", "VAEDecode", {}, {"samples": ("sampler", 0), "vae": ("model", 3)}, top=690),
            Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}, top=820),
        ],
        [
            Node(
                "save",
                "SaveImage",
                {"filename_prefix": "DSG/inpaint"},
                {"images": ("decode", 0)},
                title="Restored",
                top=230,
                height=200,
            ),
            Node("plot", "PreviewImage", {}, {"images": ("report", 0)}, title="The run", top=530, height=502),
        ],
    ],
    {
        "What is known: 30 % of the pixels, with noise": ["faces", "noisy", "hide", "gray", "known", "show_known"],
        "The run: the model is steered towards it": ["model", "loss", "sampler", "decode", "report"],
    },
)

INPAINT_SD = Template(
    "Inpaint with DSG (Stable Diffusion)",
    [320, 280, 260, 270, 200, 370],
    [
        [
            Node("all", "SolidMask", {"value": 0.0, "width": 512, "height": 512}, title="Known (black)", top=0),
            Node("hole", "SolidMask", {"value": 1.0, "width": 192, "height": 192}, title="To make anew (white)"),
            Node("model", "CheckpointLoaderSimple", {"ckpt_name": "v1-5-pruned-emaonly-fp16.safetensors"}, top=660),
        ],
        [
            Node(
                "mask",
                "MaskComposite",
                {"x": 160, "y": 96, "operation": "add"},
                {"destination": ("all", 0), "source": ("hole", 0)},
                title="Mask",
                top=0,
            ),
            Node("image", "LoadImage", {"image": "example.png"}, height=354),
            Node(
                "positive",
                "CLIPTextEncode",
                {"text": "a cheerful drawing of a girl with yellow hair on a green hill, blue sky"},
                {"clip": ("model", 1)},
                title="Positive prompt",
                top=660,
                height=130,
            ),
            Node(
                "negative",
                "CLIPTextEncode",
                {"text": "text, watermark, blurry"},
                {"clip": ("model", 1)},
                title="Negative prompt",
                height=130,
            ),
        ],
        [
            note(SD_NOTE, -60, 160, span=3),
            Node(
                "loss",
                "DSG_MaskLoss",
                {
                    "weight": 1.0,
                    "start_percent": 0.0,
                    "end_percent": 1.0,
                    "threshold": 0.5,
                    "restore_known": True,
                },
                {"conditioning": ("positive", 0), "image": ("image", 0), "mask": ("mask", 0)},
                top=660,
            ),
            Node("latent", "EmptyLatentImage", {"width": 512, "height": 512, "batch_size": 1}),
        ],
        [
            Node(
                "sampler",
                "DSG_KSampler",
                {
                    "seed": 0,
                    "steps": 30,
                    "cfg": 5.0,
                    "scheduler": "normal",
                    "denoise": 1.0,
                    "guidance_rate": 0.2,
                },
                {
                    "model": ("model", 0),
                    "positive": ("loss", 0),
                    "negative": ("negative", 0),
                    "latent_image": ("latent", 0),
                    "vae": ("model", 2),
                },
                top=660,
            ),
        ],
        [
            Node("decode", "VAEDecode", {}, {"samples": ("sampler", 0), "vae": ("model", 2)}, top=660),
            Node("report", "DSG_GuidanceReport", {}, {"report": ("sampler", 1)}, top=790),
        ],
        [
            Node(
                "save",
                "SaveImage",
                {"filename_prefix": "DSG/inpaint"},
                {"images": ("decode", 0)},
                title="Restored",
                top=-60,
                height=480,
            ),
            Node("plot", "PreviewImage", {}, {"images": ("report", 0)}, title="The run", height=560),
        ],
    ],
    {
        "What is known: the picture, but for the hole": ["image", "all", "hole", "mask"],
        "The run: the model is steered towards it": [
            "model",
            "positive",
            "negative",
            "loss",
            "latent",
            "sampler",
            "decode",
            "report",
        ],
    },
)

TEMPLATES = [INPAINT_EMBEDDED, INPAINT_SD]


def is_widget(spec: list) -> bool:
    return isinstance(spec[0], list) or spec[0] in WIDGET_TYPES


def control_widgets(name: str, settings: dict) -> list[str]:
    """Values of the widgets that the front end itself adds below one: what becomes of a seed, and an upload button."""
    values = []
    if settings.get("control_after_generate", name in ("seed", "noise_seed")):
        values.append("fixed")
    if settings.get("image_upload"):
        values.append("image")
    return values


def node_json(node: Node, number: int, place: tuple[int, int], width: int, info: dict | None) -> dict[str, Any]:
    """A node as the front end saves it, its slots not yet linked. `info` is None for the front end's own notes."""
    entry: dict[str, Any] = {
        "id": number,
        "type": node.kind,
        "pos": list(place),
        "size": [width, node.height or 0],
        "flags": {},
        "order": number - 1,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "properties": {"Node name for S&R": node.kind},
        "widgets_values": list(node.widgets.values()),
    }
    if node.title:
        entry["title"] = node.title
    if info is None:
        return entry
    specs = {name: spec for group in info["input"].values() if isinstance(group, dict) for name, spec in group.items()}
    own = [name for name in widget_names(info) if name]
    unknown = (set(node.widgets) - set(own)) | (set(node.links) - set(specs))
    if unknown:
        raise KeyError(f"{node.kind} has no {sorted(unknown)}")
    required = info["input"].get("required", {})
    for name, spec in specs.items():
        if name in info["input"].get("hidden", {}):
            continue
        slot = {"name": name, "type": "COMBO" if isinstance(spec[0], list) else spec[0], "link": None}
        if name not in required:
            slot["shape"] = 7
        if is_widget(spec):
            slot["widget"] = {"name": name}
        entry["inputs"].append(slot)
    entry["inputs"].sort(key=lambda slot: "widget" in slot)
    entry["outputs"] = [
        {"name": name, "type": kind, "links": []} for name, kind in zip(info["output_name"], info["output"])
    ]
    entry["widgets_values"] = []
    for name in own:
        settings = specs[name][1] if len(specs[name]) > 1 else {}
        entry["widgets_values"] += [node.widgets[name], *control_widgets(name, settings)]
    if node.height is None:
        slots = max(sum("widget" not in slot for slot in entry["inputs"]), len(entry["outputs"]))
        widgets = len(entry["widgets_values"])
        entry["size"][1] = slots * SLOT + widgets * WIDGET + (14 if widgets else 6)
    return entry


def lay_out(template: Template, object_info: dict) -> dict[str, dict]:
    """Key → node as the front end saves it, at its place on the canvas."""
    nodes: dict[str, dict] = {}
    for index, column in enumerate(template.columns):
        x, y = sum(template.widths[:index]) + index * GAP_X, 0
        for node in column:
            info = None if node.kind == "MarkdownNote" else object_info[node.kind]
            width = sum(template.widths[index : index + node.span]) + (node.span - 1) * GAP_X
            y = y if node.top is None else node.top
            nodes[node.key] = node_json(node, len(nodes) + 1, (x, y), width, info)
            y += nodes[node.key]["size"][1] + TITLE + GAP_Y
    return nodes


def group_json(number: int, title: str, members: list[dict]) -> dict:
    """A frame around nodes, with room for its title."""
    left, top = (min(node["pos"][axis] for node in members) - GROUP_MARGIN for axis in (0, 1))
    right, bottom = (max(node["pos"][axis] + node["size"][axis] for node in members) + GROUP_MARGIN for axis in (0, 1))
    top -= TITLE + 40
    return {
        "id": number,
        "title": title,
        "bounding": [left, top, right - left, bottom - top],
        "color": GROUP_COLOR,
        "font_size": 24,
        "flags": {},
    }


def build(template: Template, object_info: dict) -> dict:
    """The workflow as the front end saves it."""
    nodes = lay_out(template, object_info)
    links: list[list] = []
    for node in (node for column in template.columns for node in column):
        target = nodes[node.key]
        for name, (source_key, output) in node.links.items():
            source, number = nodes[source_key], len(links) + 1
            index, slot = next((i, slot) for i, slot in enumerate(target["inputs"]) if slot["name"] == name)
            slot["link"] = number
            source["outputs"][output]["links"].append(number)
            links.append([number, source["id"], output, target["id"], index, source["outputs"][output]["type"]])
    groups = [
        group_json(number, title, [nodes[key] for key in keys])
        for number, (title, keys) in enumerate(template.groups.items(), 1)
    ]
    left = min(group["bounding"][0] for group in groups)
    top = min([group["bounding"][1] for group in groups] + [node["pos"][1] - TITLE for node in nodes.values()])
    return {
        "last_node_id": len(nodes),
        "last_link_id": len(links),
        "nodes": list(nodes.values()),
        "links": links,
        "groups": groups,
        "config": {},
        "extra": {"ds": {"scale": SCALE, "offset": [round(CORNER[0] / SCALE - left), round(CORNER[1] / SCALE - top)]}},
        "version": 0.4,
    }


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
