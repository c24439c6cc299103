"""Each weight file has a card with its hash, and all together stay small."""

import hashlib
import json

import pytest

from tools.comfyui import REPOSITORY

FOLDER = REPOSITORY / "embedded" / "weights"
WEIGHTS = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".safetensors", ".onnx"))


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.name)
def test_a_card_names_the_hash_of_its_file(path):
    cards = "".join(card.read_text(encoding="utf-8") for card in FOLDER.glob("*.md"))
    assert hashlib.sha256(path.read_bytes()).hexdigest() in cards


def test_all_weights_together_fit_into_30_megabytes():
    assert WEIGHTS
    assert sum(path.stat().st_size for path in WEIGHTS) < 30e6


@pytest.mark.parametrize(
    ("card", "figures"),
    [
        ("segmentation.md", ["segmentation", "mean IoU"]),
        ("face.md", ["identity", "AUC"]),
        ("face.md", ["identity", "top-1 of 100"]),
    ],
)
def test_a_card_states_the_figures_that_were_measured(card, figures):
    suite, figure = figures
    measured = json.loads((REPOSITORY / "benchmarks" / "results" / "embedded_suite.json").read_text())[suite]
    text = (FOLDER / card).read_text(encoding="utf-8")
    for network in ("guidance", "judge"):
        value = measured[network][figure]
        assert any(form in text for form in (f"{value:.4f}", f"{value:.3f}", f"{value:.1%}".replace("%", " %")))


@pytest.mark.parametrize("card", ["depth", "pose", "classifier"])
def test_the_card_of_a_small_network_states_all_its_figures(card):
    results = json.loads((REPOSITORY / "benchmarks" / "results" / "embedded_suite.json").read_text())[card]
    text = (FOLDER / f"{card}.md").read_text(encoding="utf-8")
    for figures in results.values():
        for what, value in figures.items():
            is_share = what.startswith(("points found", "accuracy"))
            digits = 2 if what.startswith("mean distance") else 3
            form = f"{value:.1%}".replace("%", " %") if is_share else f"{value:.{digits}f}"
            assert form in text, what


def test_the_detectors_card_states_the_figures_that_were_measured():
    results = json.loads((REPOSITORY / "benchmarks" / "results" / "embedded_suite.json").read_text())["detectors"]
    text = (FOLDER / "detection.md").read_text(encoding="utf-8")
    for what, value in (results["parts"] | results["faces with five points"]).items():
        form = (
            f"{value:.1%}".replace("%", " %") if "found" in what else f"{value:{'.2f' if 'pixels' in what else '.3f'}}"
        )
        assert form in text, what
