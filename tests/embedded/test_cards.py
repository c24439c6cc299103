"""Each weight file has a card with its hash, and all together stay small."""

import hashlib

import pytest

from tools.host import REPOSITORY

FOLDER = REPOSITORY / "embedded" / "weights"
WEIGHTS = sorted(FOLDER.glob("*.safetensors"))


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_a_card_names_the_hash_of_its_file(path):
    cards = "".join(card.read_text(encoding="utf-8") for card in FOLDER.glob("*.md"))
    assert hashlib.sha256(path.read_bytes()).hexdigest() in cards


def test_all_weights_together_fit_into_30_megabytes():
    assert WEIGHTS
    assert sum(path.stat().st_size for path in WEIGHTS) < 30e6
