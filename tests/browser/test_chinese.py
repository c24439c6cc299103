"""Chinese: with the front end's language set to it, nodes, settings, help and the live chart are in Chinese."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE, WINDOW, start
from tools.comfyui import REPOSITORY

WORDS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (REPOSITORY / "locales/zh").glob("*.json")}
NODES = WORDS["nodeDefs.json"]
# What each node of ours says on the canvas, by its id.
ON_CANVAS = """ids => Object.fromEntries(ids.map(id => {
    app.graph.clear();
    const node = LiteGraph.createNode(id);
    app.graph.add(node);
    const label = slot => slot.label ?? slot.localized_name ?? slot.name;
    return [id, {
        title: node.title,
        inputs: Object.fromEntries([...node.inputs, ...node.widgets ?? []]
            .filter(({name}) => name !== "control_after_generate") // the host's own
            .map(input => [input.name, label(input)])),
        outputs: node.outputs.map(label),
    }];
}))"""
SETTINGS = """() => Object.values(app.ui.settings.settingsLookup).filter(({id}) => id.startsWith("DSG."))
    .map(({id, name, tooltip}) => [id.replaceAll(".", "_"), {name, tooltip}])"""
# A run as the server sends it, drawn as on a node.
DRAW_RUN = """async () => {
    const { RunPlot } = await import("/extensions/ComfyUI-DSG/js/run_plot.js");
    const plot = new RunPlot();
    document.body.append(plot.element);
    const step = { losses: { mask: 1 }, rate: 0.2, guided: true, skipped: 0 };
    plot.draw({ method: "DSG", gradient_modes: ["exact"], steps: [step, step], total: 20, turn: 2 });
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const text = plot.element.textContent;
    plot.element.remove();
    return text;
}"""


@pytest.fixture(scope="module")
def chinese(browser: Browser, host) -> Iterator[Page]:
    """The front end of somebody who has chosen Chinese."""
    host.post("/settings", {"Comfy.Locale": "zh"}).raise_for_status()
    page = browser.new_page(viewport=WINDOW)
    page.set_default_timeout(PATIENCE)
    start(page, host)
    yield page
    page.close()
    host.post("/settings", {"Comfy.Locale": "en"}).raise_for_status()


def test_nodes_on_the_canvas_are_chinese(chinese):
    shown = chinese.evaluate(ON_CANVAS, list(NODES))
    for node_id, words in NODES.items():
        assert shown[node_id]["title"] == words["display_name"]
        assert shown[node_id]["inputs"] == {name: slot["name"] for name, slot in words["inputs"].items()}
        assert shown[node_id]["outputs"] == [slot["name"] for slot in words["outputs"].values()]


def test_the_settings_are_chinese(chinese):
    settings = dict(chinese.evaluate(SETTINGS))
    assert settings == json.loads((REPOSITORY / "locales/en/settings.json").read_text(encoding="utf-8"))
    chinese.evaluate("app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    dialog = chinese.get_by_role("dialog")
    dialog.get_by_text("DSG", exact=True).first.click()
    for words in WORDS["settings.json"].values():
        expect(dialog.get_by_text(words["name"])).to_be_visible()
    chinese.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_live_chart_is_chinese(chinese):
    text = chinese.evaluate(DRAW_RUN)
    for words in ("第 2 步，共 20 步", "第 2 次运行", "梯度：exact", "引导率 0.2", "已引导 2"):
        assert words in text


def test_help_is_chinese(chinese):
    chinese.evaluate(ON_CANVAS, ["DSG_KSampler"])
    chinese.evaluate("() => { app.canvas.selectNode(app.graph.nodes[0]); app.canvas.fitViewToSelectionAnimated(); }")
    chinese.get_by_test_id("info-button").click()
    panel = chinese.locator(".node-help-content")
    expect(panel).to_contain_text("让每一步朝正面条件上的损失所要求的方向走")
    expect(panel.get_by_role("cell", name="guidance_rate 引导率", exact=True)).to_be_visible()
