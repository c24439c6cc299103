"""The live chart on the nodes that sample: it moves during a run, and is where the run is, whoever looks."""

import json
import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, WINDOW, start, wait_until_ready
from tools.comfyui import REPOSITORY

TEMPLATE = REPOSITORY / "workflows" / "02 Mask (CPU).json"
PACK = "/extensions/ComfyUI-DSG/"
NEWER_NODES = "on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
CHARTS_ON = "on => app.extensionManager.setting.set('DSG.LiveChart', on)"

# One face, so many steps, and a seed that was never run; a canvas that is seldom drawn, which costs much without a GPU.
PREPARE = """([steps, seed]) => {
    app.canvas.maximumFps = 4;
    const values = {steps, seed, count: 1, batch_size: 1};
    for (const widget of app.graph.nodes.flatMap(node => node.widgets ?? []))
        if (widget.name in values) widget.value = values[widget.name];
}"""
LOOK_AT_SAMPLER = """() => {
    app.canvas.ds.scale = 0.8;
    app.canvas.centerOnNode(app.graph.nodes.find(node => node.type === "DSG_KSampler" || node.subgraph));
    app.canvas.setDirty(true, true);
}"""
# Writes down the headline of each chart whenever it changes.
WATCH = """() => {
    window.seen = [];
    new MutationObserver(() => {
        for (const {textContent} of document.querySelectorAll(".dsg-title"))
            if (textContent && !seen.includes(textContent)) seen.push(textContent);
    }).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""
# A second sampler beside the first, with another number of steps, whose picture is shown.
ADD_SAMPLER = """steps => {
    const sampler = app.graph.nodes.find(node => node.type === "DSG_KSampler");
    const decode = app.graph.nodes.find(node => node.type === "VAEDecode");
    const add = (type, x, y) => {
        const node = LiteGraph.createNode(type);
        app.graph.add(node);
        node.pos = [x, y];
        return node;
    };
    const origin = (node, slot) => {
        const link = app.graph.links.get(node.inputs[slot].link);
        return [app.graph.getNodeById(link.origin_id), link.origin_slot];
    };
    const second = add("DSG_KSampler", sampler.pos[0], sampler.pos[1] + 700);
    for (const slot of [0, 1, 2, 3, 4]) {
        const [node, output] = origin(sampler, slot);
        node.connect(output, second, slot);
    }
    const decoded = add("VAEDecode", second.pos[0] + 400, second.pos[1]);
    second.connect(0, decoded, 0);
    const [vae, output] = origin(decode, 1);
    vae.connect(output, decoded, 1);
    decoded.connect(0, add("PreviewImage", decoded.pos[0] + 400, decoded.pos[1]), 0);
    second.widgets.find(widget => widget.name === "steps").value = steps;
}"""
WRAP_SAMPLER = """() => {
    const sampler = app.graph.nodes.find(node => node.type === "DSG_KSampler");
    app.graph.convertToSubgraph(new Set([sampler]));
}"""
OPEN_SUBGRAPH = """() => {
    const outer = app.graph.nodes.find(node => node.subgraph);
    app.canvas.openSubgraph(outer.subgraph, outer);
}"""
# A loss whose name is full of HTML, between the mask's and the sampler.
ADD_HTML_LOSS = """() => {
    const sampler = app.graph.nodes.find(node => node.type === "DSG_KSampler");
    const mask = app.graph.nodes.find(node => node.type === "DSG_MaskLoss");
    const [loss, apply] = ["Test_HtmlLoss", "DSG_ApplyLoss"].map(type => {
        const node = LiteGraph.createNode(type);
        app.graph.add(node);
        return node;
    });
    mask.connect(0, apply, apply.findInputSlot("conditioning"));
    loss.connect(0, apply, apply.findInputSlot("loss"));
    apply.connect(0, sampler, sampler.findInputSlot("positive"));
}"""
WIDGET_VALUES = "() => app.graph.serialize().nodes.map(node => node.widgets_values)"
HEIGHT = "() => app.graph.nodes.find(node => node.type === 'DSG_KSampler').size[1]"


@pytest.fixture(scope="module")
def asked(host) -> list[str]:
    """What the pack's own scripts have asked for, so far."""
    return []


@pytest.fixture(scope="module")
def tab(browser, host, asked) -> Iterator[Page]:
    """A tab of its own, as tests here load it again."""
    tab = browser.new_context(viewport=WINDOW).new_page()
    tab.set_default_timeout(PATIENCE)
    network = tab.context.new_cdp_session(tab)
    network.on(
        "Network.requestWillBeSent",
        lambda sent: asked.append(sent["request"]["url"]) if PACK in json.dumps(sent["initiator"]) else None,
    )
    network.send("Network.enable")
    start(tab, host)
    yield tab
    tab.evaluate(NEWER_NODES, False)
    tab.context.close()


def open_workflow(tab: Page, steps: int) -> None:
    """The embedded inpainting template, of so many steps."""
    workflow = json.loads(TEMPLATE.read_text(encoding="utf-8")) | {"id": str(uuid.uuid4())}
    tab.evaluate("workflow => app.loadGraphData(workflow)", workflow)
    tab.wait_for_function("count => app.graph.nodes.length === count", arg=len(workflow["nodes"]), polling=200)
    tab.evaluate(PREPARE, [steps, uuid.uuid4().int % 2**32])
    tab.evaluate(LOOK_AT_SAMPLER)
    tab.evaluate(WATCH)


def queue(tab: Page) -> None:
    tab.evaluate("app.queuePrompt(0, 1)")


def wait_for(tab: Page, headline: str) -> None:
    """Until a chart's headline has this in it."""
    expect(tab.locator(".dsg-title").filter(has_text=re.compile(headline)).first).to_be_attached()


def cells(tab: Page) -> int:
    """How many steps the strip of the one chart shows."""
    return sum(path.get_attribute("d").count("M") for path in tab.locator(".dsg-cells").all())


@pytest.mark.parametrize("newer", [False, True])
def test_the_chart_moves_during_a_run(tab, newer):
    tab.evaluate(NEWER_NODES, newer)
    open_workflow(tab, 8)
    values = tab.evaluate(WIDGET_VALUES)
    queue(tab)
    wait_for(tab, "step 8 of 8")
    steps = [int(re.search(r"step (\d+) of 8", title).group(1)) for title in tab.evaluate("seen")]
    assert steps == sorted(steps)
    assert len(steps) >= 3
    chart = tab.locator(".dsg-run")
    expect(chart).to_be_visible()
    expect(chart.locator(".dsg-title")).to_have_text("DSG · step 8 of 8 · gradient: exact")
    legend = chart.locator(".dsg-legend")
    expect(legend).to_contain_text(re.compile(r"mask [\d.]+"))
    for entry in ("rate 0.2", "guided 7", "not guided 1"):
        expect(legend).to_contain_text(entry)
    box = chart.bounding_box()
    assert box["width"] > 100
    assert box["height"] > 100
    assert chart.locator(".dsg-curves").bounding_box()["height"] > 25
    assert tab.evaluate(WIDGET_VALUES) == values  # nothing of it is saved
    prompt = tab.evaluate("async () => (await app.graphToPrompt()).output")
    assert "dsg_live_chart" not in json.dumps(prompt)


def test_the_chart_is_there_again_after_a_reload_in_the_middle_of_a_run(tab):
    tab.evaluate(NEWER_NODES, False)
    open_workflow(tab, 16)
    queue(tab)
    wait_for(tab, r"step \d+ of 16")
    tab.reload()
    wait_until_ready(tab)
    wait_for(tab, "step 16 of 16")
    assert cells(tab) == 16


def test_the_chart_is_there_again_when_the_graph_was_drawn_anew(tab):
    """As it is by undo, and by a look at another workflow."""
    open_workflow(tab, 3)
    queue(tab)
    wait_for(tab, "step 3 of 3")
    tab.evaluate("() => app.loadGraphData(app.graph.serialize())")
    tab.evaluate(LOOK_AT_SAMPLER)
    wait_for(tab, "step 3 of 3")
    expect(tab.locator(".dsg-run")).to_have_count(1)


def test_a_second_tab_with_the_same_graph_shows_the_run_too(tab, host):
    open_workflow(tab, 10)
    workflow = tab.evaluate("() => app.graph.serialize()")
    second = tab.context.new_page()
    try:
        second.set_default_timeout(PATIENCE)
        start(second, host)
        second.evaluate("workflow => app.loadGraphData(workflow)", workflow)
        second.evaluate(LOOK_AT_SAMPLER)
        second.evaluate("app.canvas.maximumFps = 4")
        queue(tab)
        wait_for(second, "step 10 of 10")
        wait_for(tab, "step 10 of 10")
        assert (cells(tab), cells(second)) == (10, 10)
        second.evaluate("workflow => app.loadGraphData(workflow)", workflow | {"id": str(uuid.uuid4())})
        expect(second.locator(".dsg-run")).to_have_count(0)  # another graph, with the same nodes
    finally:
        second.close()


def test_two_samplers_have_a_chart_each(tab):
    open_workflow(tab, 4)
    tab.evaluate(ADD_SAMPLER, 5)
    tab.evaluate("() => app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    queue(tab)
    wait_for(tab, "step 4 of 4")
    wait_for(tab, "step 5 of 5")
    expect(tab.locator(".dsg-run")).to_have_count(2)


@pytest.mark.parametrize("newer", [False, True])
def test_a_sampler_in_a_subgraph_is_shown_on_both_nodes(tab, newer):
    tab.evaluate(NEWER_NODES, newer)
    open_workflow(tab, 6)
    tab.evaluate(WRAP_SAMPLER)
    tab.evaluate(LOOK_AT_SAMPLER)
    queue(tab)
    wait_for(tab, "step 6 of 6")
    expect(tab.locator(".dsg-run:visible")).to_have_count(1)
    tab.evaluate(OPEN_SUBGRAPH)
    tab.evaluate("() => app.canvas.setDirty(true, true)")
    tab.wait_for_function("!app.canvas.graph.isRootGraph", polling=100)
    expect(tab.locator(".dsg-run:visible").filter(has_text="step 6 of 6")).to_have_count(1)


def test_names_that_are_full_of_html_stay_text(tab):
    tab.evaluate(NEWER_NODES, False)
    open_workflow(tab, 4)
    tab.evaluate(ADD_HTML_LOSS)
    queue(tab)
    wait_for(tab, "step 4 of 4")
    legend = tab.locator(".dsg-legend")
    expect(legend).to_contain_text("""<img src=x onerror="document.title='run'"><b>dark</b>""")
    expect(legend.locator("img, b")).to_have_count(0)
    assert tab.title() != "run"


def test_the_chart_can_be_switched_off(tab):
    open_workflow(tab, 4)
    before = tab.evaluate(HEIGHT)
    queue(tab)
    wait_for(tab, "step 4 of 4")
    tab.evaluate(CHARTS_ON, False)
    try:
        expect(tab.locator(".dsg-run")).to_have_count(0)
        assert tab.evaluate(HEIGHT) == before
        tab.evaluate(PREPARE, [5, uuid.uuid4().int % 2**32])
        queue(tab)
        tab.wait_for_function("async () => (await (await fetch('/queue')).json()).queue_running.length === 0")
        expect(tab.locator(".dsg-run")).to_have_count(0)
    finally:
        tab.evaluate(CHARTS_ON, True)
    wait_for(tab, "step 5 of 5")


def test_runs_that_were_asked_for_before_it_was_switched_off_do_not_bring_it_back(tab):
    open_workflow(tab, 3)
    queue(tab)
    wait_for(tab, "step 3 of 3")
    held = []
    tab.route("**/dsg/runs*", lambda route: held.append(route))  # a bound method cannot be marked
    try:
        tab.evaluate("() => app.loadGraphData(app.graph.serialize())")  # which has it ask
        while not held:
            tab.wait_for_timeout(50)
        tab.evaluate(CHARTS_ON, False)
        with tab.expect_response("**/dsg/runs*"):
            for route in held:
                route.continue_()
        tab.wait_for_timeout(500)
        expect(tab.locator(".dsg-run")).to_have_count(0)
    finally:
        tab.unroute("**/dsg/runs*")
        tab.evaluate(CHARTS_ON, True)


def test_no_request_of_the_chart_leaves_the_machine(asked, host):
    """Of all tests before this one."""
    assert any("/dsg/runs" in url for url in asked)
    assert [url for url in asked if not url.startswith(f"http://{host.address}/")] == []
