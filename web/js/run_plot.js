// Draws a run so far: each loss relative to its largest value, the rate, and a strip of what became of each step.

import { say } from "./words.js"

const SVG = "http://www.w3.org/2000/svg"
// Okabe and Ito's colours, which those who do not tell red from green can tell apart.
const COLOURS = ["#56b4e9", "#e69f00", "#cc79a7", "#f0e442", "#0072b2", "#a6761d"]
const RATE = "#999999"
const KINDS = {
    guided: { colour: "#009e73", counts: (step) => step.guided && !step.skipped },
    skipped: { colour: "#d55e00", counts: (step) => step.skipped > 0 },
    "not guided": { colour: "#777777", counts: (step) => !step.guided && !step.skipped },
}

const style = document.createElement("link")
style.rel = "stylesheet"
style.href = new URL("run_plot.css", import.meta.url)
document.head.append(style)

function make(tag, className, text = "") {
    const element = document.createElement(tag)
    element.className = className
    element.textContent = text // never HTML: names are what somebody called their nodes and losses
    return element
}

function path(d, colour, className) {
    const element = document.createElementNS(SVG, "path")
    element.setAttribute("d", d)
    element.setAttribute("stroke", colour)
    element.setAttribute("class", className)
    return element
}

/** A line through [x, y] in the plot's units, y from 0 (bottom) to 1 (top). The first point is drawn even alone. */
function line(points) {
    return points.map(([x, y], i) => `${i ? "L" : `M${x} ${1 - y}L`}${x} ${1 - y}`).join("")
}

/** Of each series: its name, its colour, its [step, value] pairs and the values at the bottom and top of the plot. */
function seriesOf({ steps }) {
    const values = (valueOf) =>
        steps.map((step, index) => [index + 0.5, valueOf(step)]).filter(([, value]) => value != null)
    const names = new Set(steps.flatMap((step) => Object.keys(step.losses)))
    const series = [...names].map((name, index) => {
        const points = values((step) => step.losses[name])
        const numbers = points.map(([, value]) => value)
        const range = [Math.min(0, ...numbers), Math.max(0, ...numbers)]
        return { name, colour: COLOURS[index % COLOURS.length], className: "dsg-loss", points, range }
    })
    const rates = values((step) => step.rate)
    if (rates.length) series.push({ name: say("rate"), colour: RATE, className: "dsg-rate", points: rates, range: [0, 1] })
    return series
}

function headline({ method, gradient_modes, steps, total, turn }) {
    const parts = [method, say("step {done} of {total}", { done: steps.length, total })]
    if (turn > 1) parts.push(say("run {turn}", { turn }))
    if (gradient_modes.length) parts.push(say("gradient: {modes}", { modes: gradient_modes.join(" → ") }))
    return parts.join(" · ")
}

/** Three digits of a number; a dash where there is none. */
const inShort = (number) => (number === undefined ? "–" : String(Number(number.toPrecision(3))))

function chip(colour, className, text) {
    const element = make("span", "dsg-chip")
    const mark = make("span", className)
    mark.style.background = colour
    element.append(mark, make("span", "", text))
    return element
}

export class RunPlot {
    constructor() {
        this.element = make("div", "dsg-run")
        this.title = make("div", "dsg-title")
        this.curves = document.createElementNS(SVG, "svg")
        this.curves.setAttribute("class", "dsg-curves")
        this.strip = document.createElementNS(SVG, "svg")
        this.strip.setAttribute("class", "dsg-strip")
        for (const svg of [this.curves, this.strip]) svg.setAttribute("preserveAspectRatio", "none")
        this.legend = make("div", "dsg-legend")
        this.element.append(this.title, this.curves, this.strip, this.legend)
    }

    /** Draw a run in the next frame; several in one frame cost as much as one. */
    draw(run) {
        if (!this.waiting) requestAnimationFrame(() => this.#paint())
        this.waiting = run
    }

    #paint() {
        const run = this.waiting
        this.waiting = null
        const series = seriesOf(run)
        this.title.textContent = headline(run)
        for (const svg of [this.curves, this.strip]) svg.setAttribute("viewBox", `0 0 ${run.total} 1`)
        this.curves.replaceChildren(
            ...series.map(({ points, range: [low, high], colour, className }) =>
                path(line(points.map(([x, value]) => [x, (value - low) / (high - low || 1)])), colour, className),
            ),
        )
        this.strip.replaceChildren()
        this.legend.replaceChildren(
            ...series.map(({ name, colour, className, points }) =>
                chip(colour, `${className}-mark`, `${name} ${inShort(points.at(-1)?.[1])}`),
            ),
        )
        for (const [kind, { colour, counts }] of Object.entries(KINDS)) {
            const cells = run.steps.flatMap((step, index) => (counts(step) ? [`M${index + 0.05} 0.5h0.9`] : []))
            if (!cells.length) continue
            this.strip.append(path(cells.join(""), colour, "dsg-cells"))
            this.legend.append(chip(colour, "dsg-cell-mark", `${say(kind)} ${cells.length}`))
        }
    }
}
