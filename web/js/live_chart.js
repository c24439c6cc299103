// The live chart: while a DSG sampler runs, its node shows the losses, the rate and which steps were guided.
//
// The server sends one message a step, and keeps the runs so far (host/live_chart.py). Runs are fetched whenever messages
// may have been missed: a graph was opened, the page was loaded again, another tab queued the run.

import { api } from "../../../scripts/api.js"
import { app } from "../../../scripts/app.js"
import { RunPlot } from "./run_plot.js"
import { loadWords } from "./words.js"

const SETTING = "DSG.LiveChart"
const WIDGET = "dsg_live_chart"
const HEIGHT = 170 // of the widget, in the canvas's units
const SILENCE = 3000 // milliseconds without a message while the queue is busy, after which a tab asks by itself

const charts = new Map() // node → {widget, plot, run, grown: by how much the node has grown for it}
let started = false // before that, there is no graph
let heard = 0
let busy = false
let fetching = false

const isOn = () => started && app.extensionManager.setting.get(SETTING)
const rootGraph = () => app.rootGraph ?? app.graph

/** The node with this execution id ("12:3": node 3 in the subgraph of node 12), and the subgraph nodes around it. */
function nodesOf(executionId) {
    const nodes = []
    let graph = rootGraph()
    for (const id of executionId.split(":")) {
        const node = graph?.getNodeById(id)
        if (!node) break
        nodes.push(node)
        graph = node.subgraph
    }
    return nodes
}

function addChart(node) {
    const plot = new RunPlot()
    const options = { serialize: false, hideOnZoom: false, getMinHeight: () => HEIGHT, margin: 6 }
    const widget = node.addDOMWidget(WIDGET, WIDGET, plot.element, options)
    widget.serialize = false // nor is it in the saved workflow
    const missing = Math.max(0, node.computeSize()[1] - node.size[1])
    node.setSize([node.size[0], node.size[1] + missing])
    const chart = { widget, plot, grown: missing }
    charts.set(node, chart)
    return chart
}

/** Some front ends' newer nodes ("Nodes 2.0") overlook a widget that is added later: then it is put there by hand. */
function mount(node, element) {
    if (element.isConnected || node.graph !== app.canvas.graph) return
    document.querySelector(`.lg-node[data-node-id="${node.id}"] .lg-node-widgets`)?.append(element)
}

function removeCharts() {
    for (const [node, { widget, plot, grown }] of charts) {
        node.removeWidget(widget)
        plot.element.remove()
        node.setSize([node.size[0], Math.max(node.size[1] - grown, node.computeSize()[1])])
    }
    charts.clear()
}

function show(run) {
    for (const node of nodesOf(run.node)) {
        const chart = charts.get(node) ?? addChart(node)
        chart.run = run
        chart.plot.draw(run)
        requestAnimationFrame(() => mount(node, chart.plot.element))
        node.setDirtyCanvas?.(true)
    }
}

/** The runs that are shown, by their numbers. */
const shown = () => new Map([...charts.values()].map(({ run }) => [run.number, run]))

async function fetchRuns() {
    if (!isOn() || fetching) return
    fetching = true
    const graph = rootGraph().id
    try {
        const runs = await (await api.fetchApi(`/dsg/runs?graph=${encodeURIComponent(graph)}`)).json()
        if (!isOn() || rootGraph().id !== graph) return // switched off, or another graph, since it was asked
        const known = shown()
        for (const run of runs)
            if (!(known.get(run.number)?.steps.length >= run.steps.length)) show(run)
    } finally {
        fetching = false
        if (rootGraph().id !== graph) fetchRuns()
    }
}

function onStep({ detail: { graph, done, ...run } }) {
    heard = performance.now()
    if (!isOn() || graph !== rootGraph().id) return
    const before = done === 1 ? [] : shown().get(run.number)?.steps
    if (before?.length === done - 1) show({ ...run, steps: [...before, ...run.steps] })
    else fetchRuns()
}

app.registerExtension({
    name: "DSG.LiveChart",
    settings: [
        {
            id: SETTING,
            name: "Live chart on the nodes that sample",
            tooltip: "While a DSG sampler runs, its node shows each loss, the rate and which steps were guided.",
            category: ["DSG", "Sampling", "Live chart"],
            type: "boolean",
            defaultValue: true,
            onChange: (on) => (on ? fetchRuns() : removeCharts()),
        },
    ],
    init: loadWords,
    setup() {
        started = true
        api.addEventListener("dsg.step", onStep)
        api.addEventListener("reconnected", fetchRuns)
        api.addEventListener("status", ({ detail }) => {
            busy = detail?.exec_info?.queue_remaining > 0
            fetchRuns()
        })
        setInterval(() => {
            if (busy && performance.now() - heard > SILENCE) fetchRuns()
        }, SILENCE)
    },
    afterConfigureGraph() {
        charts.clear() // all nodes are new ones
        fetchRuns()
    },
})
