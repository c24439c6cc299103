"""The pages: their links lead somewhere, and their code runs and does what they say."""

import re
from pathlib import Path

import pytest
import torch

from tools.comfyui import REPOSITORY

PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")


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


def test_the_first_page_is_short():
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_library_page_guides():
    """Each of its examples comes closer to the known half than the model alone, and leaves the other half to it."""
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "library.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    page: dict = {}
    found = []
    for block in blocks:
        exec(block, page)
        found.append(page["images"])
    unguided, _ = page["sample"](page["denoiser"], page["x"], page["sigmas"], page["SeededNoise"](seed=2))
    known = page["known"][..., :16]
    for images in found:
        assert images.shape == unguided.shape
        error, without = ((pictures[..., :16] - known).square().mean().sqrt() for pictures in (images, unguided))
        assert error < 0.5 * without
        assert torch.allclose(images[..., 16:].std(), unguided[..., 16:].std(), rtol=0.2)
    assert len([line for line in blocks[0].splitlines() if line.strip()]) <= 15
