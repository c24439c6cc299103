"""What a user sees: the templates in the template browser, opened, run; each node with its widgets and its help."""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import combinations
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.browser.conftest import WINDOW
from tools.comfyui import REPOSITORY
from tools.workflow import to_prompt

PACK = "ComfyUI-DSG"
WORKFLOWS = {path.stem: path for path in sorted((REPOSITORY / "workflows").glob("*.json"))}
BLUEPRINTS = {path.stem: path for path in sorted((REPOSITORY / "subgraphs").glob("*.json"))}
SAVED = {path.stem: path for path in sorted((Path(__file__).parent / "saved").glob("*.json"))}
LOST_CLICK = 20_000  # milliseconds
START_HERE, EMBEDDED = "01 Start here (CPU)", "02 Mask (CPU)"
HELP_PAGES = {path.stem: path for path in sorted((REPOSITORY / "web" / "docs").glob("*.md"))}

# Of each node: its place with the title bar, the least size that its slots and widgets need, and its size.
NODES = """() => app.graph.nodes.map(node => ({
    id: node.id, name: node.title, known: node.type in LiteGraph.registered_node_types,
    box: [...node.getBounding()], least: [...node.computeSize()], size: [...node.size],
}))"""
# The part of the canvas that the window shows, in the nodes' coordinates.
VIEW = "() => { app.canvas.ds.computeVisibleArea(); return [...app.canvas.ds.visible_area]; }"
# Ends when the view, which moves to where it is sent, is there.
SETTLED = """() => new Promise(resolve => {
    let last;
    const look = () => {
        if (app.canvas.ds.scale === last) return resolve();
        last = app.canvas.ds.scale;
        setTimeout(look, 300);
    };
    look();
})"""
LINKS = "() => [...app.graph.links.values()].map(link => [link.origin_id, link.target_id])"

# Three losses, each with a network and a picture: too large for a small window.
LARGEST = "24 Face, parts, style (SD 1.5)"
# The templates whose names do not fit on their cards.
CUT_NAMES = """() => [...document.querySelectorAll("[data-testid^='template-workflow-'] h3")]
    .filter(name => name.scrollHeight > name.clientHeight || name.scrollWidth > name.clientWidth)
    .map(name => name.innerText)"""

PLACE_NODE = """id => {
    app.graph.clear();
    const node = LiteGraph.createNode(id);
    app.graph.add(node);
    return {
        sockets: node.inputs.filter(input => !input.widget).map(input => input.name),
        widgets: Object.fromEntries((node.widgets ?? []).map(({name, value}) => [name, value])),
        tooltips: Object.fromEntries(Object.values(node.constructor.nodeData.inputs).map(i => [i.name, i.tooltip])),
    };
}"""

# The same boxes where the front end draws its newer nodes ("Nodes 2.0"), which are higher.
DRAWN_NODES = """() => [...document.querySelectorAll(".lg-node[data-node-id]")].map(element => {
    const {left, top, width, height} = element.getBoundingClientRect();
    return {name: app.graph.getNodeById(element.dataset.nodeId)?.title, box: [left, top, width, height]};
})"""

# Where the groups' titles are drawn then.
DRAWN_TITLES = """() => app.graph.groups.map(({title, pos, size, titleHeight}) => {
    const {left, top} = app.canvas.canvas.getBoundingClientRect(), {scale} = app.canvas.ds;
    const [x, y] = app.canvas.ds.convertOffsetToCanvas([...pos]);
    return {name: title, box: [left + x, top + y, scale * size[0], scale * titleHeight]};
})"""

# A light run: four steps, one face, and a canvas that is seldom drawn, which costs much without a GPU.
LIGHTEN = """() => {
    app.canvas.maximumFps = 2;
    const values = {steps: 4, count: 1, batch_size: 1};
    for (const widget of app.graph.nodes.flatMap(node => node.widgets ?? []))
        if (widget.name in values) widget.value = values[widget.name];
}"""
# Widths of the pictures that the nodes show, 0 where there is none yet; or the message of a failure.
SHOWN = """() => document.querySelector("[role=dialog]")?.innerText ?? app.graph.nodes
    .filter(node => ["PreviewImage", "SaveImage"].includes(node.type))
    .map(node => node.imgs?.[0]?.naturalWidth ?? 0)"""

# A graph on the embedded model around the one node that is there; `values` are its widgets'. Output 0 is its picture.
AROUND_BLUEPRINT = """values => {
    const [guided] = app.graph.nodes;
    const add = kind => { const node = LiteGraph.createNode(kind); app.graph.add(node); return node; };
    const [model, faces, mask, shown, report] = [
        "DSG_LoadEmbeddedModel", "DSG_LoadEmbeddedFaces", "DSG_RandomMask", "PreviewImage", "DSG_GuidanceReport",
    ].map(add);
    const connect = (source, output, name) => source.connect(output, guided, guided.findInputSlot(name));
    ["model", "positive", "negative", "vae", "latent_image"].forEach((name, output) => connect(model, output, name));
    connect(faces, 0, "image");
    faces.connect(0, mask, 0);
    if (guided.findInputSlot("mask") >= 0) connect(mask, 0, "mask");
    guided.connect(0, shown, 0);
    guided.connect(2, report, 0);
    for (const [name, value] of Object.entries(values))
        guided.widgets.find(widget => widget.name === name).value = value;
}"""
# Of each blueprint: the embedded networks in place of the published ones.
EMBEDDED_NETWORKS = {
    "Guide by a face": {"model_name": "faces_irse.onnx", "detector": "none"},
    "Guide by a mask": {},
    "Guide by a style": {"clip_name": "faces", "architecture": "from the folder"},
}


def browse_templates(page) -> None:
    """Open the template browser at this pack, with all its templates."""
    page.evaluate("app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.get_by_role("dialog").get_by_text(PACK, exact=True).first.click()
    cards = page.locator("[data-testid^='template-workflow-']")
    cards.last.scroll_into_view_if_needed()  # it shows 24, and the others when one comes to their end
    expect(cards).to_have_count(len(WORKFLOWS))


def open_template(page, name: str) -> dict:
    """Open a template from the template browser. Returns the workflow as it is in the repository."""
    workflow = json.loads(WORKFLOWS[name].read_text(encoding="utf-8"))
    page.evaluate("app.graph.clear()")
    browse_templates(page)
    card = page.get_by_test_id(f"template-workflow-{name}")
    card.click()
    all_there = partial(page.wait_for_function, "n => app.graph.nodes.length === n", arg=len(workflow["nodes"]))
    with contextlib.suppress(TimeoutError):
        all_there(polling=200, timeout=LOST_CLICK)
    if card.is_visible():  # the list was drawn anew in the middle of the click, which is lost then
        card.click()
    all_there(polling=200)
    return workflow


def load(page, path: Path) -> dict:
    """Open a workflow's file. Returns the workflow."""
    workflow = json.loads(path.read_text(encoding="utf-8"))
    page.evaluate("app.graph.clear()")
    page.evaluate("workflow => app.loadGraphData(workflow)", workflow)
    page.wait_for_function("count => app.graph.nodes.length === count", arg=len(workflow["nodes"]), polling=200)
    return workflow


def overlapping(nodes: list[dict]) -> list[tuple[str, str]]:
    """The pairs of nodes of which one hides a part of the other."""
    pairs = []
    for node, other in combinations(nodes, 2):
        (left, top, width, height), (x, y, w, h) = node["box"], other["box"]
        if left < x + w and x < left + width and top < y + h and y < top + height:
            pairs.append((node["name"], other["name"]))
    return pairs


def unnumbered(prompt: dict) -> list[list]:
    """Each node with all that it is made of."""

    def made_of(value: object) -> object:
        if isinstance(value, list):
            return [described(value[0]), value[1]]
        return float(value) if isinstance(value, int) else value

    def described(number: str) -> list:
        node = prompt[number]
        return [node["class_type"], {name: made_of(value) for name, value in node["inputs"].items()}]

    return sorted(map(described, prompt), key=lambda node: json.dumps(node, sort_keys=True))


@pytest.fixture(scope="module", params=WORKFLOWS)
def opened(request, page) -> dict:
    """As the template browser opens it."""
    return load(page, WORKFLOWS[request.param])


@pytest.fixture
def small_window(page) -> Iterator[None]:
    page.set_viewport_size({"width": 1280, "height": 800})
    yield
    page.set_viewport_size(WINDOW)


@pytest.fixture
def newer_nodes(page) -> Iterator[None]:
    setting = "on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
    page.evaluate(setting, True)
    yield
    page.evaluate(setting, False)


def test_the_template_browser_shows_the_templates_with_their_thumbnails(page, complaints):
    browse_templates(page)
    for name in WORKFLOWS:
        card = page.get_by_test_id(f"template-workflow-{name}")
        expect(card).to_contain_text(name)
        card.scroll_into_view_if_needed()  # pictures are fetched when they come into view
        picture = card.locator("img").first
        expect(picture).to_be_visible()
        page.wait_for_function("img => img.naturalWidth === 400", arg=picture.element_handle(), polling=200)
    for width in (1280, 1920):
        page.set_viewport_size({"width": width, "height": WINDOW["height"]})
        assert page.evaluate(CUT_NAMES) == [], width
    page.set_viewport_size(WINDOW)
    page.mouse.click(4, 4)  # beside the dialog, which closes it
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert complaints == []


def test_an_opened_template_knows_all_its_nodes(page, opened, complaints):
    assert [node["name"] for node in page.evaluate(NODES) if not node["known"]] == []
    expect(page.get_by_role("dialog")).to_have_count(0)  # of missing nodes, for one
    assert complaints == []


def test_an_opened_template_is_the_prompt_that_our_tools_make_of_it(page, opened, object_info):
    prompt = page.evaluate("async () => (await app.graphToPrompt()).output")
    for node in prompt.values():
        del node["_meta"]
    assert prompt == to_prompt(opened, object_info)


def test_an_opened_template_is_all_in_view_and_its_text_is_drawn(page, opened):
    assert not page.evaluate("app.canvas.low_quality")
    x, y, width, height = page.evaluate(VIEW)
    for node in page.evaluate(NODES):
        left, top, w, h = node["box"]
        assert x < left, node["name"]
        assert left + w < x + width, node["name"]
        assert y < top, node["name"]
        assert top + h < y + height, node["name"]


def test_an_opened_template_is_read_when_fitted_to_a_small_window(page, opened, small_window, request):
    """Newer front ends fit it by themselves, as their command *Fit View* does."""
    page.evaluate("() => { app.canvas.ds.scale = 2; app.canvas.fitViewToSelectionAnimated({duration: 1}); }")
    page.wait_for_function("app.canvas.ds.scale < 1", polling=100)
    page.evaluate(SETTLED)
    assert page.evaluate("app.canvas.low_quality") == (request.node.callspec.params["opened"] == LARGEST)


def test_an_opened_template_is_laid_out_to_be_read(page, opened):
    """No node hides another or is too small for what it shows, links run to the right or down, notes are seen whole."""
    nodes = {node["id"]: node for node in page.evaluate(NODES)}
    assert overlapping(list(nodes.values())) == []
    for node in nodes.values():
        assert node["size"][0] >= node["least"][0], node["name"]
        assert node["size"][1] >= node["least"][1], node["name"]
    for source, target in page.evaluate(LINKS):
        (left, top, width, height), (x, y, _, _) = nodes[source]["box"], nodes[target]["box"]
        assert left + width < x or top + height < y, (source, target)
    (note,) = page.locator(".comfy-markdown .tiptap").all()
    assert note.evaluate("note => note.scrollHeight <= note.clientHeight")


def test_the_newer_nodes_of_an_opened_template_hide_neither_each_other_nor_titles(page, opened, newer_nodes):
    expect(page.locator(".lg-node[data-node-id]")).to_have_count(len(opened["nodes"]))
    titles = page.evaluate(DRAWN_TITLES)  # of groups side by side, which touch
    assert set(overlapping([*page.evaluate(DRAWN_NODES), *titles])) <= set(overlapping(titles))


def test_a_template_with_missing_files_offers_them_for_download(page, object_info):
    """Each that the front end may download, with its folder, and the note has all of them before that."""
    offer = "on => app.extensionManager.setting.set('Comfy.Workflow.ShowMissingModelsWarning', on)"
    page.evaluate(offer, True)
    open_template(page, "22 Text and style (SD 1.5)")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Missing Models")
    for file in ("checkpoints / v1-5-pruned-emaonly-fp16.safetensors", "text_encoders / open_clip_model.safetensors"):
        expect(dialog).to_contain_text(file)
    buttons = dialog.get_by_role("button", name="Download")
    expect(buttons).to_have_count(2)
    for button in buttons.all():
        expect(button).to_be_enabled()
    page.keyboard.press("Escape")
    page.evaluate(offer, False)


def test_start_here_runs_at_the_press_of_the_button_and_shows_three_runs_side_by_side(page, complaints):
    open_template(page, START_HERE)
    page.evaluate(LIGHTEN)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function(f"[({SHOWN})()].flat().every(Boolean)", polling=500)
    assert page.evaluate(SHOWN) == [256] * 4  # enlarged: what is known, and three times what was made of it
    assert complaints == []


def test_the_embedded_template_runs_at_the_press_of_the_button_and_shows_pictures(page, complaints):
    open_template(page, EMBEDDED)
    page.evaluate(LIGHTEN)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function(f"[({SHOWN})()].flat().every(Boolean)", polling=500)
    known, restored, report = sorted(page.evaluate(SHOWN))
    assert (known, restored) == (64, 64)
    assert report > 400
    assert complaints == []


def run_and_report(page) -> dict:
    """Press Run and wait for the pictures. Returns the run's report."""
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function(f"[({SHOWN})()].flat().every(Boolean)", polling=500)
    numbers = page.evaluate("async () => (await (await fetch('/history?max_items=1')).json())")
    (run,) = numbers.values()
    (report,) = (json.loads(shown["text"][0]) for shown in run["outputs"].values() if "text" in shown)
    return report


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_blueprint_drops_into_a_graph_and_guides_it(page, complaints, name):
    """Found by its name as a node is, it takes the place of the sampler and the decoder."""
    page.evaluate("app.graph.clear()")
    page.evaluate("app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
    page.keyboard.type(name)
    expect(page.locator("[role=option]", has_text=name).last).to_be_visible()  # the first is the search itself
    page.keyboard.press("Enter")
    page.wait_for_function("name => app.graph.nodes[0]?.title === name", arg=name, polling=200)
    page.evaluate(AROUND_BLUEPRINT, EMBEDDED_NETWORKS[name])
    page.evaluate(LIGHTEN)
    report = run_and_report(page)
    assert report["guided_steps"] > 0
    assert complaints == []


@pytest.mark.parametrize("name", SAVED)
def test_a_workflow_that_was_saved_earlier_opens_as_it_was(page, object_info, complaints, name):
    """Before sockets were renamed."""
    workflow = load(page, SAVED[name])
    expect(page.get_by_role("dialog")).to_have_count(0)  # of missing nodes, for one
    assert len(page.evaluate(LINKS)) == len(workflow["links"])
    prompt = page.evaluate("async () => (await app.graphToPrompt()).output")
    for node in prompt.values():
        del node["_meta"]
    assert prompt == to_prompt(workflow, object_info)
    path = next((WORKFLOWS[stem] for stem in WORKFLOWS if re.sub(r"^\d+ | \(.*", "", stem) == name), None)
    today = to_prompt(json.loads(path.read_text(encoding="utf-8")), object_info) if path else {}
    kinds, kinds_today = (Counter(node["class_type"] for node in each.values()) for each in (prompt, today))
    if kinds == kinds_today:  # nothing was added to the template since: it is the same as today's
        for node in (*prompt.values(), *today.values()):
            node["inputs"].pop("filename_prefix", None)
        assert unnumbered(prompt) == unnumbered(today)
    assert complaints == []


def test_a_saved_workflow_runs_with_its_rate_and_its_method(page, complaints):
    load(page, SAVED["With a rate and a method"])
    page.evaluate(LIGHTEN)
    report = run_and_report(page)
    assert (report["method"], report["guided_steps"]) == ("FreeDoM", 3)  # with the last gradient in between
    assert complaints == []


def test_each_node_of_the_pack_has_a_help_page(object_info):
    ours = {name for name, info in object_info.items() if info["python_module"].endswith(PACK)}
    assert ours == set(HELP_PAGES)


@pytest.mark.parametrize("node_id", HELP_PAGES)
def test_a_node_on_the_canvas_has_its_defaults_and_tooltips(page, object_info, complaints, node_id):
    groups = object_info[node_id]["input"]
    specs = groups.get("required", {}) | groups.get("optional", {})
    placed = page.evaluate(PLACE_NODE, node_id)
    placed["widgets"].pop("control_after_generate", None)
    assert {*placed["sockets"], *placed["widgets"]} == set(specs)
    for name, value in placed["widgets"].items():
        kind, settings = specs[name]
        options = kind if isinstance(kind, list) else settings.get("options", [None])
        assert value == settings.get("default", options[0]), name
    assert [name for name in specs if not placed["tooltips"].get(name)] == []
    assert complaints == []


@pytest.mark.parametrize("node_id", HELP_PAGES)
def test_a_help_page_is_served_and_describes_each_input_and_output(host, object_info, node_id):
    text = host.get(f"/extensions/{PACK}/docs/{node_id}.md").content.decode()
    assert text == HELP_PAGES[node_id].read_text(encoding="utf-8")
    info = object_info[node_id]
    assert text.startswith(f"# {info['display_name']}\n")
    groups = info["input"]
    names = [*groups.get("required", {}), *groups.get("optional", {}), *info["output_name"]]
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(names)


def test_the_front_end_shows_a_nodes_help(page):
    page.evaluate(PLACE_NODE, "DSG_KSampler")
    page.evaluate("() => { app.canvas.selectNode(app.graph.nodes[0]); app.canvas.fitViewToSelectionAnimated(); }")
    page.get_by_test_id("info-button").click()
    help_panel = page.locator(".node-help-content")
    expect(help_panel).to_contain_text("steers each step")
    expect(help_panel.get_by_role("cell", name="guidance_rate", exact=True)).to_be_visible()
