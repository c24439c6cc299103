"""The Chinese pages say as much as the English ones: the same titles, tables, names, numbers, messages and links."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tools.comfyui import REPOSITORY
from tools.make_locales import LOCALES

HELP = REPOSITORY / "web" / "docs"
NODE_IDS = sorted(path.stem for path in HELP.glob("*.md"))
NODES = json.loads((LOCALES / "zh" / "nodeDefs.json").read_text(encoding="utf-8"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def both(node_id: str) -> tuple[str, str]:
    return read(HELP / f"{node_id}.md"), read(HELP / node_id / "zh.md")


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, without the lines below the heads."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def found(pattern: str, text: str) -> Counter[str]:
    return Counter(re.findall(pattern, text))


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_a_help_page_has_a_chinese_one_of_the_same_shape(node_id):
    english, chinese = both(node_id)
    assert re.findall(r"^#+ ", chinese, re.MULTILINE) == re.findall(r"^#+ ", english, re.MULTILINE)
    assert chinese.startswith(f"# {NODES[node_id]['display_name']}\n")
    assert found(r"^- ", chinese) == found(r"^- ", english)
    assert [len(row) for row in rows(chinese)] == [len(row) for row in rows(english)]


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_rows_of_a_chinese_help_page_are_those_of_the_english_one(node_id):
    slots = [*NODES[node_id]["inputs"].values(), *NODES[node_id]["outputs"].values()]
    labels = {slot["name"] for slot in slots}
    for row, translated in zip(*map(rows, both(node_id))):
        if name := re.fullmatch(r"`(\w+)`", row[0]):
            assert (translated[0].removeprefix(row[0]).strip() or name[1]) in labels, translated[0]
        for cell, chinese in zip(row, translated):
            for names_or_messages in (r"`[^`]+`", r"“[^”]+”"):
                assert found(names_or_messages, chinese) == found(names_or_messages, cell), chinese
        if len(row) == 3:  # an input's range
            assert found(r"[\d.−]+", translated[2]) == found(r"[\d.−]+", row[2]), translated


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_a_chinese_help_page_names_and_cites_what_the_english_one_does(node_id):
    english, chinese = both(node_id)
    for pattern in (r"`[^`]+`", r"\]\([^)]+\)"):
        assert found(pattern, chinese).keys() == found(pattern, english).keys()


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_a_chinese_help_page_is_chinese(node_id):
    """But for papers, messages and what a workflow or a file holds in English."""
    text = both(node_id)[1]
    for line in text.splitlines():
        said = re.sub(r"`[^`]*`|“[^”]*”|\*[^*]*\*|\[.*?\]\(.*?\)|[^\w]", "", line)
        assert CHINESE.search(line) or len(said) < 20 or "arxiv.org" in line, line


def test_no_chinese_help_page_is_of_a_node_that_is_gone():
    assert sorted(path.parent.name for path in HELP.glob("*/zh.md")) == NODE_IDS


def test_the_chinese_first_page_has_the_commands_links_and_numbers_of_the_english_one():
    english, chinese = (read(REPOSITORY / name) for name in ("README.md", "README.zh-CN.md"))
    blocks = (re.findall(r"^```\n(.*?)^```", page, re.DOTALL | re.MULTILINE) for page in (english, chinese))
    commands, translated = ([re.sub(r" +# .*", "", block) for block in page] for page in blocks)
    assert translated == commands
    links = (set(re.findall(r"\]\(([^)]+)\)", page)) - {"README.md", "README.zh-CN.md"} for page in (english, chinese))
    assert next(links) == next(links)
    assert "](README.zh-CN.md)" in english
    assert "](README.md)" in chinese
    assert re.findall(r"^#+ ", chinese, re.MULTILINE) == re.findall(r"^#+ ", english, re.MULTILINE)
    tables = [rows(english), rows(chinese)]
    for row, translation in zip(*tables, strict=True):
        for pattern in (r"`[^`]+`", r"[\d.]+ ?(?:%|dB)|\b0\.\d+"):
            assert [found(pattern, cell) for cell in translation] == [found(pattern, cell) for cell in row]
    for node_id, node in NODES.items():
        short = node["display_name"].removesuffix("损失")  # some nodes share a row
        assert f"**{node['display_name']}**" in chinese or f"**{short}**" in chinese, node_id
