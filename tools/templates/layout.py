"""From a template's description to a workflow as the front end saves it.

A template is a grid of nodes: columns from left to right, as the data flows. A node is its class, its widgets' values
and where its inputs come from. The host tells the order of widgets and slots, so a template cannot fall behind the
nodes.
"""

from dataclasses import dataclass, field
from typing import Any

from tools.templates.models import ModelFile
from tools.workflow import WIDGET_TYPES, default_value, widgets

# The front end's own measures, in its canvas's pixels. A node's title bar lies above its position.
TITLE, SLOT, WIDGET = 30, 20, 24
# Its newer nodes ("Nodes 2.0") are up to 30 higher than these tell, and at least 225 wide: there is room for them.
GAP_X, GAP_Y, GAP_COLLAPSED, GROUP_MARGIN = 40, 36, 16, 12
GROUP_TITLE = 36
GROUP_TOP = GROUP_MARGIN + TITLE + GROUP_TITLE + 20  # from a note above to the nodes of a group
GROUP_COLOR = "#8fa8b2"

# The view that opens: the graph's corner at this place of the window, right of the front end's side bar and below its
# top bars. Newer front ends fit the graph to the window instead, and draw no text below a scale of 0.57: in a window of
# 1280 by 800 pixels the graph may be 1680 wide and 1030 high.
SCALE, CORNER = 0.68, (80, 130)


@dataclass
class Node:
    """One node. `widgets`: those that are not as in a new node.

    `links`: input name → (key of another node, its output's number).

    `top` is where it begins; by itself, below the node before it in its column. `height` is for nodes that show text or
    pictures; the others are as high as their slots and widgets. `span` is the number of columns that it covers. `files`
    are those that its widgets name. Of a collapsed one the title alone is seen.
    """

    key: str
    kind: str
    widgets: dict = field(default_factory=dict)
    links: dict[str, tuple[str, int]] = field(default_factory=dict)
    title: str | None = None
    top: int | None = None
    height: int | None = None
    span: int = 1
    files: tuple[ModelFile, ...] = ()
    collapsed: bool = False


@dataclass
class Template:
    """`widths`: of the columns. `groups`: title of a frame → keys of the nodes in it."""

    name: str
    widths: list[int]
    columns: list[list[Node]]
    groups: dict[str, list[str]]


def note(text: str, top: int, height: int, span: int) -> Node:
    return Node("note", "MarkdownNote", {"text": text}, title="Read me", top=top, height=height, span=span)


def load_image(key: str, title: str | None = None, top: int | None = None) -> Node:
    """The host's example, as high as the front end needs for its picture."""
    return Node(key, "LoadImage", {"image": "example.png"}, title=title, top=top, height=326)


def is_widget(spec: list) -> bool:
    return isinstance(spec[0], list) or spec[0] in WIDGET_TYPES


def control_widgets(name: str, settings: dict) -> list[str]:
    """Values of the widgets that the front end itself adds below one: what becomes of a seed, and an upload button."""
    values = []
    if settings.get("control_after_generate", name in ("seed", "noise_seed")):
        values.append("fixed")
    if settings.get("image_upload"):
        values.append("image")
    return values


def node_json(node: Node, number: int, place: tuple[int, int], width: int, info: dict | None) -> dict[str, Any]:
    """A node as the front end saves it, its slots not yet linked. `info` is None for the front end's own notes."""
    entry: dict[str, Any] = {
        "id": number,
        "type": node.kind,
        "pos": list(place),
        "size": [width, node.height or 0],
        "flags": {"collapsed": True} if node.collapsed else {},
        "order": number - 1,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "properties": {"Node name for S&R": node.kind},
        "widgets_values": list(node.widgets.values()),
    }
    if offered := [file.properties for file in node.files if file.is_offered]:
        entry["properties"]["models"] = offered
    if node.title:
        entry["title"] = node.title
    if info is None:
        return entry
    specs = {name: spec for group in info["input"].values() if isinstance(group, dict) for name, spec in group.items()}
    own = [name for name, _ in widgets(info) if name]
    unknown = (set(node.widgets) - set(own)) | (set(node.links) - set(specs))
    if unknown:
        raise KeyError(f"{node.kind} has no {sorted(unknown)}")
    required = info["input"].get("required", {})
    for name, spec in specs.items():
        if name in info["input"].get("hidden", {}):
            continue
        slot = {"name": name, "type": "COMBO" if isinstance(spec[0], list) else spec[0], "link": None}
        if name not in required:
            slot["shape"] = 7
        if is_widget(spec):
            slot["widget"] = {"name": name}
        entry["inputs"].append(slot)
    entry["inputs"].sort(key=lambda slot: "widget" in slot)
    entry["outputs"] = [
        {"name": name, "type": kind, "links": []} for name, kind in zip(info["output_name"], info["output"])
    ]
    entry["widgets_values"] = []
    for name in own:
        settings = specs[name][1] if len(specs[name]) > 1 else {}
        value = node.widgets.get(name, default_value(specs[name][0], settings))
        entry["widgets_values"] += [value, *control_widgets(name, settings)]
    if node.height is None:
        slots = max(sum("widget" not in slot for slot in entry["inputs"]), len(entry["outputs"]))
        lines = len(entry["widgets_values"])
        entry["size"][1] = slots * SLOT + lines * WIDGET + (14 if lines else 6)
    return entry


def lay_out(template: Template, object_info: dict) -> dict[str, dict]:
    """Key → node as the front end saves it, at its place on the canvas."""
    nodes: dict[str, dict] = {}
    for index, column in enumerate(template.columns):
        x, y = sum(template.widths[:index]) + index * GAP_X, 0
        for node in column:
            info = None if node.kind == "MarkdownNote" else object_info[node.kind]
            width = sum(template.widths[index : index + node.span]) + (node.span - 1) * GAP_X
            y = y if node.top is None else node.top
            nodes[node.key] = node_json(node, len(nodes) + 1, (x, y), width, info)
            y += TITLE + (GAP_COLLAPSED if node.collapsed else nodes[node.key]["size"][1] + GAP_Y)
    return nodes


def group_json(number: int, title: str, members: list[dict]) -> dict:
    """A frame around nodes, with room for its title."""
    left, top = (min(node["pos"][axis] for node in members) - GROUP_MARGIN for axis in (0, 1))
    right, bottom = (max(node["pos"][axis] + node["size"][axis] for node in members) + GROUP_MARGIN for axis in (0, 1))
    top -= TITLE + GROUP_TITLE
    return {
        "id": number,
        "title": title,
        "bounding": [left, top, right - left, bottom - top],
        "color": GROUP_COLOR,
        "font_size": 24,
        "flags": {},
    }


def build(template: Template, object_info: dict) -> dict:
    """The workflow as the front end saves it."""
    nodes = lay_out(template, object_info)
    links: list[list] = []
    for node in (node for column in template.columns for node in column):
        target = nodes[node.key]
        for name, (source_key, output) in node.links.items():
            source, number = nodes[source_key], len(links) + 1
            index, slot = next((i, slot) for i, slot in enumerate(target["inputs"]) if slot["name"] == name)
            slot["link"] = number
            source["outputs"][output]["links"].append(number)
            links.append([number, source["id"], output, target["id"], index, source["outputs"][output]["type"]])
    groups = [
        group_json(number, title, [nodes[key] for key in keys])
        for number, (title, keys) in enumerate(template.groups.items(), 1)
    ]
    left = min([group["bounding"][0] for group in groups] + [node["pos"][0] for node in nodes.values()])
    top = min([group["bounding"][1] for group in groups] + [node["pos"][1] - TITLE for node in nodes.values()])
    return {
        "last_node_id": len(nodes),
        "last_link_id": len(links),
        "nodes": list(nodes.values()),
        "links": links,
        "groups": groups,
        "config": {},
        "extra": {"ds": {"scale": SCALE, "offset": [round(CORNER[0] / SCALE - left), round(CORNER[1] / SCALE - top)]}},
        "version": 0.4,
    }
