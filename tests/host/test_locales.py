"""The words of the nodes in each language: none is missing, none is left over, none is in another language."""

import json
import re

import pytest

from tools.comfyui import REPOSITORY
from tools.make_locales import LIVE_CHART, LOCALES, Catalogue, as_in_taiwan, english, locale

WHAT_TO_DO = "run `python -m tools.make_locales`, which names the texts that tools/locales/zh.json lacks"


@pytest.fixture(scope="module")
def object_info(host) -> dict:
    return host.get("/object_info").json()


def texts_of(words) -> list[str]:
    return [words] if isinstance(words, str) else [text for value in words.values() for text in texts_of(value)]


def read(language: str) -> dict[str, dict]:
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (LOCALES / language).iterdir()}


def test_the_catalogue_has_each_text_of_the_nodes_and_no_other(object_info):
    chinese = Catalogue()
    locale(object_info, chinese)
    assert (chinese.missing, chinese.unused) == ([], []), WHAT_TO_DO


@pytest.mark.parametrize(
    ("language", "translate"), [("en", english), ("zh", Catalogue()), ("zh-TW", as_in_taiwan(Catalogue()))]
)
def test_the_files_of_a_language_are_those_of_the_nodes(object_info, language, translate):
    assert read(language) == locale(object_info, translate), WHAT_TO_DO


@pytest.mark.parametrize("language", ["zh", "zh-TW"])
def test_the_host_serves_the_words(host, object_info, language):
    served = host.get("/api/i18n").json()[language]
    assert served["nodeDefs"] == read(language)["nodeDefs.json"]
    assert set(served["nodeDefs"]) == {node_id for node_id in object_info if node_id.startswith("DSG_")}
    assert served["settings"] == read(language)["settings.json"]


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW"])
def test_no_text_has_a_letter_that_the_front_end_takes_for_a_command(language):
    """vue-i18n replaces {…}, follows @ and chooses at a |. The live chart's words do not go through it."""
    words = read(language)
    words["main.json"].pop("dsgLiveChart")
    assert [text for text in texts_of(words) if re.search(r"[{}@|]", text)] == []


def test_chinese_is_chinese():
    same_in_both = {"vae", "cfg", "eta", "clip", "csd"}
    texts = set(texts_of(read("zh")))
    assert {text for text in texts if not re.search(r"[\u4e00-\u9fff]", text)} <= same_in_both | {"Latent"}


def test_the_words_of_taiwan_are_its_own():
    """Not the same characters only: what the mainland calls by one word is another there."""
    ksampler = read("zh-TW")["nodeDefs.json"]["DSG_KSampler"]
    texts = "".join(texts_of(ksampler))
    assert "取樣器" in texts
    assert "采样器" not in texts


def test_values_in_a_text_are_in_its_translation():
    chinese = Catalogue()
    for text in LIVE_CHART:
        assert re.findall(r"{\w+}", chinese(text)) == re.findall(r"{\w+}", text)


def test_the_live_chart_says_what_the_catalogue_has():
    script = (REPOSITORY / "web" / "js" / "run_plot.js").read_text(encoding="utf-8")
    said = set(re.findall(r'say\("([^"]+)"', script))
    assert said | {"guided", "skipped", "not guided"} == set(LIVE_CHART)
