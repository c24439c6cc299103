"""What the registry gives a user: the archive, unpacked into a ComfyUI of its own."""

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from comfy_cli.registry.config_parser import extract_node_configuration
from PIL import Image

from tasks.restoration import TEMPLATE, restore, template_prompt, with_setting
from tasks.setting import Setting
from tests.test_repository import NODE_IDS
from tools.comfyui import REPOSITORY
from tools.registry import pack
from tools.server import Client, prepare_base, running_host

PACK = "ComfyUI-DSG"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    pack(folder / "node.zip")
    with zipfile.ZipFile(folder / "node.zip") as archive:
        archive.extractall(folder / PACK)
    return folder / PACK


@pytest.fixture(scope="module")
def shop(unpacked, tmp_path_factory) -> Iterator[Client]:
    base = tmp_path_factory.mktemp("bought")
    prepare_base(base, pack=unpacked)
    with running_host(base) as client:
        yield client


def test_the_archive_has_what_a_user_needs_and_no_more(unpacked):
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    roots = {line.strip('"').partition("/")[0] for line in tracked.splitlines()}
    assert {name for name in roots if not name.startswith(".")} - {path.name for path in unpacked.iterdir()} == {
        *("CONTRIBUTING.md", "Makefile", "requirements-bench.txt", "requirements-dev.lock", "requirements-dev.txt"),
        *("artwork", "benchmarks", "docs", "example_pack", "tasks", "tests", "tools"),
    }
    assert not [path for path in unpacked.iterdir() if path.name.startswith(".")]
    for folder in ("web", "workflows"):
        kept, all_files = ({p.relative_to(root) for p in (root / folder).rglob("*")} for root in (unpacked, REPOSITORY))
        assert kept == {path for path in all_files if "__pycache__" not in path.parts}
    assert {path.name for path in (unpacked / "embedded").iterdir() if path.is_dir()} == {"faces", "weights"}
    assert not [path for path in unpacked.rglob("*judge*") if path.suffix == ".safetensors"]
    assert sum(path.stat().st_size for path in unpacked.rglob("*")) < 40 * 2**20


def test_all_nodes_are_there(shop):
    assert set(NODE_IDS) <= set(shop.get("/object_info").json())


def test_an_embedded_template_runs(shop, unpacked):
    offered = shop.get("/workflow_templates").json()[PACK]
    assert TEMPLATE.stem in offered
    assert sorted(offered) == sorted(path.stem for path in (unpacked / "workflows").glob("*.json"))
    prompt = with_setting(template_prompt(shop), Setting("DSG", 0.2, steps=3), 0, 1)
    assert restore(shop, prompt).report["steps"]


def test_the_registrys_fields_are_complete(unpacked):
    read = extract_node_configuration(str(unpacked / "pyproject.toml"))
    assert read
    assert all([read.tool_comfy.publisher_id, read.tool_comfy.display_name, read.project.supported_comfyui_version])
    assert read.project.dependencies == (unpacked / "requirements.txt").read_text().split()
    for picture, shape in ((read.tool_comfy.icon, (1, 1)), (read.tool_comfy.banner_url, (21, 9))):
        with Image.open(REPOSITORY / picture.partition("/main/")[2]) as drawn:
            assert drawn.width * shape[1] == drawn.height * shape[0]


def test_the_icon_is_no_larger_than_the_registry_shows():
    with Image.open(REPOSITORY / "artwork" / "icon.png") as icon:
        assert max(icon.size) <= 400
