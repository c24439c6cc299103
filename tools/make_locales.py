"""Write the words of the nodes in `locales/`, in every language, from the nodes' schemas and a catalogue.

    python -m tools.make_locales

A catalogue (`tools/locales/zh.json`) has each English text once: English → Chinese. Where a word of the schemas means
two things, `<node id>.<word>` goes first. The words of Taiwan are made of these by OpenCC. Run this after a change of a
node's schema: it names the texts that the catalogue lacks, and those that nothing says any more.
"""

import json
from collections.abc import Callable
from pathlib import Path

from opencc import OpenCC

from tools.comfyui import REPOSITORY
from tools.server import running_host

LOCALES = REPOSITORY / "locales"
CATALOGUE = Path(__file__).parent / "locales" / "zh.json"

# What the page's own parts say: the settings, as `web/js/` registers them, and the live chart.
SETTINGS = {
    "DSG_LiveChart": {
        "name": "Live chart on the nodes that sample",
        "tooltip": "While a DSG sampler runs, its node shows each loss, the rate and which steps were guided.",
    }
}
SETTINGS_CATEGORIES = ["Sampling", "Live chart"]
# The host has words for the other parts of our nodes' categories.
NODE_CATEGORIES = ["losses", "measurements", "embedded"]
LIVE_CHART = ["guided", "skipped", "not guided", "rate", "step {done} of {total}", "run {turn}", "gradient: {modes}"]

# A text of the node with this id (or of none) in another language.
Translate = Callable[[str, str], str]


class Catalogue:
    """English texts in another language, which knows what was asked of it.

    Attributes:
        missing: what was asked and is not there.
    """

    def __init__(self, path: Path = CATALOGUE):
        self.texts: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        self.asked: set[str] = set()
        self.missing: list[str] = []

    def __call__(self, text: str, node_id: str = "") -> str:
        for key in (f"{node_id}.{text}", text):
            if key in self.texts:
                self.asked.add(key)
                return self.texts[key]
        self.missing.append(text)
        return text

    @property
    def unused(self) -> list[str]:
        return [key for key in self.texts if key not in self.asked]


def english(text: str, node_id: str = "") -> str:
    return text


def as_in_taiwan(translate: Translate) -> Translate:
    """The same in traditional characters and in Taiwan's terms."""
    convert = OpenCC("s2twp").convert

    def translated(text: str, node_id: str = "") -> str:
        return convert(translate(text, node_id))

    return translated


def words_of(name: str, tooltip: str | None, translate: Translate, node_id: str) -> dict[str, str]:
    words = {"name": translate(name, node_id)}
    if tooltip:
        words["tooltip"] = translate(tooltip, node_id)
    return words


def node_words(node: dict, translate: Translate) -> dict:
    """One entry of the host's `nodeDefs.json`, of a node as `/object_info` has it."""
    node_id = node["name"]
    inputs = {}
    for group in ("required", "optional"):
        for name, (_, *options) in node["input"].get(group, {}).items():
            tooltip = options[0].get("tooltip") if options else None
            inputs[name] = words_of(name, tooltip, translate, node_id)
    tooltips = node.get("output_tooltips") or [None] * len(node["output_name"])
    outputs = {
        str(index): words_of(name, tooltip, translate, node_id)
        for index, (name, tooltip) in enumerate(zip(node["output_name"], tooltips))
    }
    return {
        "display_name": translate(node["display_name"], node_id),
        "description": translate(node["description"], node_id),
        "inputs": inputs,
        "outputs": outputs,
    }


def locale(object_info: dict, translate: Translate) -> dict[str, dict]:
    """The files of one language, name → content.

    Args:
        object_info: what the host says of all its nodes.
    """
    nodes = {node_id: node for node_id, node in object_info.items() if node_id.startswith("DSG_")}
    return {
        "nodeDefs.json": {node_id: node_words(nodes[node_id], translate) for node_id in sorted(nodes)},
        "settings.json": {
            setting: {key: translate(text, "") for key, text in words.items()} for setting, words in SETTINGS.items()
        },
        "main.json": {
            "nodeCategories": {name: translate(name, "") for name in NODE_CATEGORIES},
            "settingsCategories": {name: translate(name, "") for name in SETTINGS_CATEGORIES},
            "dsgLiveChart": {text: translate(text, "") for text in LIVE_CHART},
        },
    }


def main() -> None:
    with running_host() as host:
        object_info = host.get("/object_info").json()
    chinese = Catalogue()
    translators: dict[str, Translate] = {"en": english, "zh": chinese, "zh-TW": as_in_taiwan(chinese)}
    languages = {language: locale(object_info, translate) for language, translate in translators.items()}
    if chinese.missing or chinese.unused:
        lists = [("lacks", chinese.missing), ("has, and nothing says", chinese.unused)]
        lines = [f"{CATALOGUE.name} {what}:\n  " + "\n  ".join(texts) for what, texts in lists if texts]
        raise SystemExit("\n".join(lines))
    for language, files in languages.items():
        for name, content in files.items():
            path = LOCALES / language / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(path.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
