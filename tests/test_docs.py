"""The pages: their links lead somewhere, and their code runs and does what they say."""

import re
from pathlib import Path

import pytest
import torch

import sampling
from tools.comfyui import REPOSITORY

PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
NAMED = re.compile(r"\[`(\w+)`\]\(([^)#]*(?<!__init__)\.py)\)")
COMMAND = re.compile(r"python -m ((?!pytest)[\w.]+)")


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of a page's titles."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page):
    for place, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), place
        if anchor:
            assert anchor in anchors(target), (place, anchor)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_name_that_links_to_a_file_is_defined_there(page):
    for name, place in NAMED.findall(page.read_text(encoding="utf-8")):
        source = (page.parent / place).resolve().read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {name}\b|^{name}\b.*=", source, re.MULTILINE), (name, place)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_are_there(page):
    for module in COMMAND.findall(page.read_text(encoding="utf-8")):
        place = REPOSITORY.joinpath(*module.rstrip(".").split("."))
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module


def test_the_library_page_has_all_public_names():
    page = (REPOSITORY / "docs" / "library.md").read_text(encoding="utf-8")
    assert not [name for name in sampling.__all__ if f"`{name}`" not in page]


def test_the_method_page_has_all_methods():
    page = (REPOSITORY / "docs" / "method.md").read_text(encoding="utf-8")
    help_page = (REPOSITORY / "web" / "docs" / "DSG_GuidanceMethod.md").read_text(encoding="utf-8")
    for name in sampling.METHODS:
        assert name in page
        assert f"| *{name}* |" in help_page


def test_the_first_page_is_short():
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_library_page_guides():
    """Each of its examples comes closer to the known half than the model alone, and leaves the other half to it."""
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "library.md").read_text(), re.DOTALL)
    assert len(blocks) == 3
    page: dict = {}
    found = []
    for block in blocks:
        exec(block, page)  # noqa: S102 - the repository's own page, as its reader would run it
        found.append(page["images"])
    unguided, _ = page["sample"](page["denoiser"], page["x"], page["sigmas"], page["SeededNoise"](seed=2))
    known = page["known"][..., :16]
    for images in found:
        assert images.shape == unguided.shape
        error, without = ((pictures[..., :16] - known).square().mean().sqrt() for pictures in (images, unguided))
        assert error < 0.5 * without
        assert torch.allclose(images[..., 16:].std(), unguided[..., 16:].std(), rtol=0.2)
    assert len([line for line in blocks[0].splitlines() if line.strip()]) <= 15
