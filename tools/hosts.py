"""Run the pack in several ComfyUIs and compare what it makes there.

    python -m tools.hosts FOLDER[=PYTHON] ...   a ComfyUI's folder, and the Python that runs it if not this one
    python -m tools.hosts --table               the table of the last run

In each host: every template that needs no download, and small random models of each family with each way to the
gradient. Where the host's model patchers can be dynamic, the same again with an imitation of them, as they are dynamic
on a GPU only. All pictures are compared with those of the first host given (without any: the host of `tools/comfyui.py`
alone). They can be: the host's first noise follows the seed alone, and all later noise is the pack's own.
"""

import argparse
import copy
import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tools.comfyui import REPOSITORY, find_host, is_host
from tools.server import Client, prepare_base, running_host
from tools.small_models import GRADIENTS, families, half_grey
from tools.workflow import find, to_prompt

RESULTS = REPOSITORY / "benchmarks" / "results" / "hosts.json"
EMBEDDED = sorted((REPOSITORY / "workflows").glob("*(CPU).json"))
TEMPLATES = [path for path in EMBEDDED if '"type": "DSG_GuidanceReport"' in path.read_text(encoding="utf-8")]
PEOPLE = 2
TEST_PACKS = REPOSITORY / "tests" / "host"
SMALL_MODELS, DYNAMIC_WEIGHTS = TEST_PACKS / "small_models.py", TEST_PACKS / "dynamic_weights.py"


def template(path: Path, object_info: dict, people: int = PEOPLE) -> dict:
    """The prompt of a published workflow, for a few of its eight people, which takes as much less time."""
    prompt = to_prompt(json.loads(path.read_text(encoding="utf-8")), object_info)
    for node in prompt.values():
        numbers = {name: node["inputs"][name] for name in ("batch_size", "count") if name in node["inputs"]}
        node["inputs"] |= {name: min(number, people) for name, number in numbers.items()}
    return prompt


# The outputs of loaders that the test's node makes dynamic: its input, and the number of the output there and here.
LOADED = {
    "Test_SmallModel": {"model": (0, 0), "vae": (2, 1)},
    "DSG_LoadEmbeddedModel": {"model": (0, 0), "vae": (3, 1)},
}


def with_dynamic_weights(prompt: dict) -> dict:
    """The prompt with each loader's model and VAE under dynamic patchers."""
    changed = copy.deepcopy(prompt)
    for key, node in prompt.items():
        outputs = LOADED.get(node["class_type"])
        if outputs is None:
            continue
        made, ways = f"{key} dynamic", {repr([key, there]): here for there, here in outputs.values()}
        for user in changed.values():
            for name, value in user["inputs"].items():
                if repr(value) in ways:
                    user["inputs"][name] = [made, ways[repr(value)]]
        inputs = {name: [key, there] for name, (there, _) in outputs.items()}
        changed[made] = {"class_type": "Test_DynamicWeights", "inputs": inputs}
    return changed


def prompts(object_info: dict) -> Iterator[tuple[str, str, dict]]:
    """All that is run: its row of the table, what of the row, and the prompt."""
    for path in TEMPLATES:
        yield "templates", path.stem, template(path, object_info)
    for family in families(object_info):
        for gradient in GRADIENTS:
            yield family, gradient, half_grey(family, gradient)


def losses_fell(report: dict) -> bool:
    """Each loss, from the first guided step to the last, in the mean over the pictures."""
    guided = [step["losses"] for step in report["steps"] if step["losses"]]
    return all(np.mean(guided[-1][name]) < np.mean(guided[0][name]) for name in guided[0])


def run(host: Client, prompt: dict) -> tuple[np.ndarray, dict]:
    """The pictures that a prompt saves, uint8 `[N, H, W, 3]`, and its report."""
    outputs = host.run(prompt)
    files = [host.picture(entry) for entry in outputs[find(prompt, "SaveImage")]["images"]]
    pictures = np.stack([np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files])
    return pictures, json.loads(outputs[find(prompt, "DSG_GuidanceReport")]["text"][0])


def check_imports(host: Client) -> None:
    failed = re.search(r"Cannot import \S*/custom_nodes/.*", host.log.read_text(encoding="utf-8"))
    if failed:
        raise RuntimeError(failed.group())


def records(host: Client, only: str, dynamic: bool, references: dict[tuple[str, str], np.ndarray]) -> Iterator[dict]:
    """A record of each run. The first host's pictures are put into `references`."""
    is_first = not references
    for row, what, prompt in prompts(host.get("/object_info").json()):
        if not re.search(only, f"{row}: {what}"):
            continue
        try:
            pictures, report = run(host, with_dynamic_weights(prompt) if dynamic else prompt)
        except Exception as error:  # whatever goes wrong in a host is what this is run for
            yield {"row": row, "what": what, "error": str(error).splitlines()[0]}
            continue
        if is_first:
            references[row, what] = pictures
        expected = references.get((row, what), np.empty(0))
        differences = np.abs(expected.astype(int) - pictures) if expected.shape == pictures.shape else None
        yield {
            "row": row,
            "what": what,
            "gradient": report["gradient_modes"],
            "guided": report["guided_steps"] > 0 and report["skipped"] == 0,
            "losses_fell": losses_fell(report),
            "levels": None if differences is None else int(differences.max()),
        }


def run_host(folder: Path, python: str, only: str, references: dict[tuple[str, str], np.ndarray]) -> Iterator[dict]:
    """The host as it is and, where it has dynamic patchers, with all of them dynamic."""
    dynamic = "class ModelPatcherDynamic" in (folder / "comfy" / "model_patcher.py").read_text(encoding="utf-8")
    for packs in [[SMALL_MODELS], [SMALL_MODELS, DYNAMIC_WEIGHTS]][: 1 + dynamic]:
        with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as base:
            prepare_base(Path(base), folder=folder)
            for pack in packs:
                shutil.copy(pack, Path(base) / "custom_nodes")
            with running_host(Path(base), folder=folder, python=python) as host:
                check_imports(host)
                name = host.get("/system_stats").json()["system"]["comfyui_version"]
                name += ", dynamic weights" if DYNAMIC_WEIGHTS in packs else ""
                for record in records(host, only, DYNAMIC_WEIGHTS in packs, references):
                    print(json.dumps({"host": name} | record), file=sys.stderr, flush=True)
                    yield {"host": name} | record


def well(record: dict) -> bool:
    return "error" not in record and record["guided"] and record["losses_fell"]


def remark(record: dict) -> str | None:
    """What went wrong, or a way to the gradient other than the one asked for; a template asks for the best there is."""
    if "error" in record:
        return record["error"]
    if not well(record):
        return "a loss did not fall" if record["guided"] else "not every step was guided"
    asked = record["what"] if record["what"] in GRADIENTS else "exact"
    return None if record["gradient"] == [asked] else f"by {', then '.join(record['gradient'])} in place of {asked}"


def table(found: list[dict]) -> str:
    """Markdown. A cell has the runs that were guided and whose losses fell, and the largest difference in levels."""
    hosts = list(dict.fromkeys(record["host"] for record in found))
    lines = [f"| | {' | '.join(hosts)} |", "|---" * (1 + len(hosts)) + "|"]
    for row in dict.fromkeys(record["row"] for record in found):
        cells = []
        for host in hosts:
            here = [record for record in found if (record["host"], record["row"]) == (host, row)]
            levels = [record["levels"] for record in here if record.get("levels") is not None]
            cell = f"{sum(map(well, here))} of {len(here)}" if here else "not there"
            cells.append(cell + (f", {max(levels)}" if levels else ""))
        lines.append(f"| {row} | {' | '.join(cells)} |")
    remarks: dict[str, list[str]] = {}
    for record in found:
        if said := remark(record):
            remarks.setdefault(f"{record['host']}: {said}", []).append(f"{record['row']}, {record['what']}")
    told = [f"- {said} (first: {where[0]}; in all {len(where)})" for said, where in remarks.items()]
    return "\n".join([*lines, "", *told]).rstrip()


def host_and_python(text: str) -> tuple[Path, str]:
    folder, _, python = text.partition("=")
    if not is_host(Path(folder)):
        raise argparse.ArgumentTypeError(f"there is no ComfyUI (main.py, comfy/) in {folder}")
    return Path(folder).resolve(), python or sys.executable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hosts", nargs="*", type=host_and_python, metavar="FOLDER[=PYTHON]")
    parser.add_argument("--only", default="", help='a regular expression, as "^SDXL: exact" or "^templates: 02"')
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of the records")
    parser.add_argument("--table", action="store_true", help="print the table of that file and run nothing")
    options = parser.parse_args()
    if not options.table:
        references: dict[tuple[str, str], np.ndarray] = {}
        hosts = options.hosts or [(find_host(), sys.executable)]
        found = [each for folder, python in hosts for each in run_host(folder, python, options.only, references)]
        options.results.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(json.loads(options.results.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
