"""Make the thumbnails beside the templates in `workflows/` by running the embedded templates in a real host.

    python -m tools.make_thumbnails

Square and filled, as the cards are. Of an embedded template: two pictures of what is known, and below
what was made of them; without anything known, four that were made; of runs side by side, what is known and each. Of its
counterparts on checkpoints: one picture that the embedded model made, with what was known in its corner; where there is
no embedded template, of a run that the task describes as its idea.
"""

import argparse
import io

from PIL import Image, ImageOps

from tools.comfyui import REPOSITORY
from tools.server import Client, running_host
from tools.templates import TASKS
from tools.templates.layout import Template, build
from tools.workflow import to_prompt

SIDE, GAP = 400, 4
TILE, CORNER, FRAME = (SIDE - GAP) // 2, 132, 4
PEOPLE = (0, 6, 3)  # of the eight pictures: two in a grid, and one for each checkpoint


def pictures(host: Client, outputs: dict, number: str) -> list[Image.Image]:
    return [Image.open(io.BytesIO(host.picture(entry))).convert("RGB") for entry in outputs[number]["images"]]


def run(host: Client, template: Template) -> tuple[list[Image.Image], list[list[Image.Image]]]:
    """What is known, if anything, and what each run made; of pictures that tile, one of them and the tiling."""
    object_info = host.get("/object_info").json()
    prompt = to_prompt(build(template, object_info), object_info)
    outputs = host.run(prompt)
    sources = {key: node["inputs"].get("images", [None])[0] for key, node in prompt.items()}
    saved = [key for key, node in prompt.items() if node["class_type"] == "SaveImage"]
    shown = [key for key, node in prompt.items() if node["class_type"] == "PreviewImage"]
    tilings = [key for key in shown if sources[key] == sources[saved[0]]]
    if tilings:
        return pictures(host, outputs, saved[0]), [pictures(host, outputs, tilings[0])]
    known = [key for key in shown if prompt[sources[key]]["class_type"] != "DSG_GuidanceReport"]
    return pictures(host, outputs, known[0]) if known else [], [pictures(host, outputs, key) for key in saved]


def fitted(picture: Image.Image, side: int) -> Image.Image:
    """A square of that side; pictures of the embedded model keep their pixels."""
    enlarged = picture.width < side
    return ImageOps.fit(picture, (side, side), Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS)


def grid(four: list[Image.Image]) -> Image.Image:
    """Four pictures, two in a row."""
    thumbnail = Image.new("RGB", (SIDE, SIDE))
    for index, picture in enumerate(four):
        y, x = divmod(index, 2)
        thumbnail.paste(fitted(picture, TILE), (x * (TILE + GAP), y * (TILE + GAP)))
    return thumbnail


def result_thumbnail(known: list[Image.Image], runs: list[list[Image.Image]]) -> Image.Image:
    """Of an embedded template."""
    if len(runs) > 1:
        return grid([row[0] for row in (known, *runs)])
    (made,) = runs
    if not known:
        return grid(made[:4])
    return grid([row[person % len(row)] for row in (known, made) for person in PEOPLE[:2]])


def idea_thumbnail(known: list[Image.Image], made: list[Image.Image], person: int) -> Image.Image:
    """Of a template on a checkpoint."""
    thumbnail = fitted(made[person % len(made)], SIDE)
    if known:
        corner = ImageOps.expand(fitted(known[person % len(known)], CORNER), FRAME, "white")
        thumbnail.paste(corner, (0, SIDE - corner.height))
    return thumbnail


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = {task.__name__.rpartition(".")[2]: task for task in TASKS}
    parser.add_argument("--task", choices=list(names), nargs="*", default=list(names), help="the files' names")
    folder = REPOSITORY / "workflows"
    with running_host() as host:
        for task in [names[name] for name in parser.parse_args().task]:
            embedded = [template for template in task.TEMPLATES if template.name.endswith("(CPU)")]
            known, runs = run(host, embedded[0] if embedded else task.IDEA)
            thumbnails = {template.name: result_thumbnail(known, runs) for template in embedded}
            others = [template for template in task.TEMPLATES if template not in embedded]
            for template, person in zip(others, PEOPLE):
                thumbnails[template.name] = idea_thumbnail(known, runs[-1], person)
            for name, thumbnail in thumbnails.items():
                thumbnail.save(folder / f"{name}.jpg", quality=85, optimize=True)
                print(f"{name}.jpg", flush=True)


if __name__ == "__main__":
    main()
