"""The blueprints in `subgraphs/`: a loss, the sampler and the decoder in one node, to drop into a graph of one's own.

A blueprint takes the place of a KSampler and its VAE Decode. The host serves the files, and the front end shows them in
its node library and its search, as nodes.
"""

import uuid
from dataclasses import dataclass

from tools.templates.layout import GAP_X, Node, Template, lay_out
from tools.templates.networks import clip, faces
from tools.workflow import widgets

INPUT_NODE, OUTPUT_NODE = -10, -20  # the front end's numbers for the two ends of a subgraph
END_WIDTH, LINE = 160, 20  # and its measures of them
WIDTHS = [240, 250, 260, 200]
SAMPLER_SOCKETS = ("model", "positive", "negative", "latent_image", "vae")
RESULTS = (("image", "decode", 0), ("latent", "sampler", 0), ("report", "sampler", 1))
SAMPLER_WIDGETS = ("seed", "steps", "cfg", "scheduler", "denoise", "guidance_rate")


@dataclass(frozen=True)
class Blueprint:
    """A loss before the sampler.

    Attributes:
        loss: with the widgets that are not as in a new node.
        sockets: of the loss, which become the blueprint's.
        network: the loss's, whose files can be chosen outside.
    """

    name: str
    description: str
    loss: Node
    sockets: tuple[str, ...]
    network: Node | None = None
    rate: float = 0.2


BLUEPRINTS = [
    Blueprint(
        "Guide by a mask",
        "The picture agrees with an image where a mask is black: inpainting with any model.",
        Node("loss", "DSG_MaskLoss", {"restore_known": True}),
        ("image", "mask"),
    ),
    Blueprint(
        "Guide by a style",
        "The picture has the colours and strokes of a reference, by a CLIP.",
        Node(
            "loss",
            "DSG_StyleLoss",
            {"distance": "Gram", "start_percent": 0.3, "end_percent": 0.7},
            {"clip": ("network", 0)},
        ),
        ("image",),
        clip("network"),
        rate=0.1,
    ),
    Blueprint(
        "Guide by a face",
        "The person on the picture is the one on a reference. insightface's networks are non-commercial.",
        Node("loss", "DSG_FaceIDLoss", {"end_percent": 0.8}, {"model": ("network", 0)}),
        ("image",),
        faces("network"),
        rate=0.1,
    ),
]


def inside(blueprint: Blueprint) -> Template:
    """The nodes of the subgraph, with the links between them."""
    run = {"positive": ("loss", 0)}
    return Template(
        blueprint.name,
        WIDTHS,
        [
            [blueprint.network] if blueprint.network else [],
            [blueprint.loss],
            [Node("sampler", "DSG_KSampler", {"guidance_rate": blueprint.rate}, run)],
            [Node("decode", "VAEDecode", {}, {"samples": ("sampler", 0)})],
        ],
        {},
    )


def sockets(blueprint: Blueprint, object_info: dict) -> dict[str, list[tuple[str, str]]]:
    """The blueprint's inputs: name → the nodes' inputs behind it, sockets before widgets."""
    found = {name: [("sampler", name)] for name in SAMPLER_SOCKETS}
    found["positive"] = [("loss", "conditioning")]
    found["vae"] = [("sampler", "vae"), ("decode", "vae")]
    found |= {name: [("loss", name)] for name in blueprint.sockets}
    if blueprint.network:
        files = [name for name, _ in widgets(object_info[blueprint.network.kind]) if name]
        found |= {name: [("network", name)] for name in files}
    return found | {"weight": [("loss", "weight")]} | {name: [("sampler", name)] for name in SAMPLER_WIDGETS}


def identity(*names: str) -> str:
    """A UUID that is the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("comfyui-dsg", *names))))


def find_slot(node: dict, name: str) -> tuple[int, dict]:
    """Number and entry of a node's input."""
    return next((number, slot) for number, slot in enumerate(node["inputs"]) if slot["name"] == name)


def widget_value(node: dict, name: str, object_info: dict) -> object:
    """What a widget of it shows."""
    names = [own for own, _ in widgets(object_info[node["type"]])]
    return node["widgets_values"][names.index(name)]


def build(blueprint: Blueprint, object_info: dict) -> dict:
    """The workflow of one node, the subgraph, as the front end saves a blueprint."""
    template = inside(blueprint)
    nodes = lay_out(template, object_info)
    links: list[dict] = []

    def link(origin: int, slot: int, target: int, target_slot: int, kind: str) -> int:
        links.append(
            {
                "id": len(links) + 1,
                "origin_id": origin,
                "origin_slot": slot,
                "target_id": target,
                "target_slot": target_slot,
                "type": kind,
            }
        )
        return len(links)

    for node in (node for column in template.columns for node in column):
        for name, (source, output) in node.links.items():
            index, slot = find_slot(nodes[node.key], name)
            origin = nodes[source]["outputs"][output]
            slot["link"] = link(nodes[source]["id"], output, nodes[node.key]["id"], index, origin["type"])
            origin["links"].append(slot["link"])

    inputs, outer, values = [], [], {}
    for place, (name, ends) in enumerate(sockets(blueprint, object_info).items()):
        numbers = []
        for key, inner in ends:
            index, slot = find_slot(nodes[key], inner)
            slot["link"] = link(INPUT_NODE, place, nodes[key]["id"], index, slot["type"])
            numbers.append(slot["link"])
        key, inner = ends[0]
        entry = {"id": identity(blueprint.name, "input", name), "name": name, "type": slot["type"], "linkIds": numbers}
        inputs.append(entry)
        outer.append({"name": name, "type": slot["type"], "link": None})
        if "widget" in slot:
            outer[-1]["widget"] = {"name": name}
            values[name] = widget_value(nodes[key], inner, object_info)

    outputs = []
    for place, (name, key, output) in enumerate(RESULTS):
        slot = nodes[key]["outputs"][output]
        number = link(nodes[key]["id"], output, OUTPUT_NODE, place, slot["type"])
        slot["links"].append(number)
        entry = {
            "id": identity(blueprint.name, "output", name),
            "name": name,
            "type": slot["type"],
            "linkIds": [number],
        }
        outputs.append(entry)

    right = sum(WIDTHS) + len(WIDTHS) * GAP_X
    subgraph = {
        "id": identity(blueprint.name),
        "version": 1,
        "state": {"lastGroupId": 0, "lastNodeId": len(nodes), "lastLinkId": len(links), "lastRerouteId": 0},
        "revision": 0,
        "config": {},
        "name": blueprint.name,
        "inputNode": {"id": INPUT_NODE, "bounding": [-END_WIDTH - GAP_X, 0, END_WIDTH, (len(inputs) + 2) * LINE]},
        "outputNode": {"id": OUTPUT_NODE, "bounding": [right, 0, END_WIDTH, (len(outputs) + 2) * LINE]},
        "inputs": inputs,
        "outputs": outputs,
        "widgets": [],
        "nodes": list(nodes.values()),
        "groups": [],
        "links": links,
        "extra": {},
    }
    instance = {
        "id": 1,
        "type": subgraph["id"],
        "pos": [0, 0],
        "size": [280, len(outer) * LINE + len(values) * LINE],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": outer,
        "outputs": [{"name": entry["name"], "type": entry["type"], "links": None} for entry in outputs],
        "title": blueprint.name,
        "properties": {"proxyWidgets": [["-1", name] for name in values]},
        "widgets_values": list(values.values()),
    }
    return {
        "revision": 0,
        "last_node_id": 1,
        "last_link_id": 0,
        "nodes": [instance],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [subgraph]},
        "extra": {"BlueprintDescription": blueprint.description},
    }
