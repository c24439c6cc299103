"""Make the thumbnails beside the templates in `workflows/` by running the embedded templates in a real host.

    python -m tools.make_thumbnails

Square, because the template browser shows them so. Of an embedded template: two pictures of what is known, and below
what was made of them. Of its Stable Diffusion counterpart: the idea in one pair, and no result; where there is none of
the embedded model, of a run that the task describes as its idea.
"""

import argparse
import io

from PIL import Image, ImageDraw

from tools.comfyui import REPOSITORY
from tools.server import Client, running_host
from tools.templates import TASKS
from tools.templates.layout import Template, build
from tools.workflow import find, to_prompt

SIDE, TILE = 400, 192
NEAR, FAR = 4, SIDE - TILE - 4
PAPER, INK = (255, 255, 255), (70, 80, 86)
SHOWN = (0, 6)  # of the eight pictures


def pictures(host: Client, outputs: dict, number: str) -> list[Image.Image]:
    return [Image.open(io.BytesIO(host.picture(entry))).convert("RGB") for entry in outputs[number]["images"]]


def run(host: Client, template: Template) -> tuple[list[Image.Image], list[Image.Image]]:
    """What is known, if anything, and what was made; of pictures that tile, one of them and the tiling."""
    object_info = host.get("/object_info").json()
    prompt = to_prompt(build(template, object_info), object_info)
    outputs = host.run(prompt)
    saved = find(prompt, "SaveImage")
    decoded, plots = prompt[saved]["inputs"]["images"][0], [find(prompt, "DSG_GuidanceReport"), 0]
    shown = [key for key, node in prompt.items() if node["class_type"] == "PreviewImage"]
    tilings = [key for key in shown if prompt[key]["inputs"]["images"] == [decoded, 1]]
    if tilings:
        return pictures(host, outputs, saved), pictures(host, outputs, tilings[0])
    known = [key for key in shown if prompt[key]["inputs"]["images"] != plots]
    return pictures(host, outputs, known[0]) if known else [], pictures(host, outputs, saved)


def tile(picture: Image.Image) -> Image.Image:
    enlarged = picture.width < TILE
    return picture.resize((TILE, TILE), Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS)


def result_thumbnail(known: list[Image.Image], made: list[Image.Image]) -> Image.Image:
    """Above two of what is known (or made), below two of what was made."""
    picture = Image.new("RGB", (SIDE, SIDE), PAPER)
    above = [(known or made[1:])[index % len(known or made[1:])] for index in SHOWN]
    below = [made[index % len(made)] for index in SHOWN]
    for y, row in ((NEAR, above), (FAR, below)):
        for x, each in zip((NEAR, FAR), row):
            picture.paste(tile(each), (x, y))
    return picture


def idea_thumbnail(known: list[Image.Image], made: list[Image.Image]) -> Image.Image:
    """What is known becomes a picture; without anything known, two pictures."""
    picture = Image.new("RGB", (SIDE, SIDE), PAPER)
    first, last = (known or made[1:])[0], made[0]
    picture.paste(tile(first), (NEAR, NEAR))
    picture.paste(tile(last), (FAR, FAR))
    arrow = ImageDraw.Draw(picture)
    start, middle, turn = NEAR + TILE + 24, NEAR + TILE // 2, FAR + TILE // 2
    arrow.line([(start, middle), (turn, middle), (turn, FAR - 40)], fill=INK, width=14, joint="curve")
    arrow.polygon([(turn - 26, FAR - 46), (turn + 26, FAR - 46), (turn, FAR - 12)], fill=INK)
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = {task.__name__.rpartition(".")[2]: task for task in TASKS}
    parser.add_argument("--task", choices=list(names), nargs="*", default=list(names), help="the files' names")
    folder = REPOSITORY / "workflows"
    with running_host() as host:
        for task in [names[name] for name in parser.parse_args().task]:
            *embedded, stable_diffusion = task.TEMPLATES
            known, made = run(host, embedded[0] if embedded else task.IDEA)
            for template, draw in zip([stable_diffusion, *embedded], [idea_thumbnail, result_thumbnail]):
                draw(known, made).save(folder / f"{template.name}.jpg", quality=85, optimize=True)
                print(f"{template.name}.jpg", flush=True)


if __name__ == "__main__":
    main()
