"""From a workflow as the front end saves it to a prompt as the HTTP API takes it."""

from typing import Any

WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
NOT_RUN = (2, 4)  # the front end's modes "never" and "bypass"
NOT_SENT = {"Note", "MarkdownNote"}


def default_value(kind: str | list, settings: dict) -> Any:
    """What a widget shows when its node is new."""
    options = kind if isinstance(kind, list) else settings.get("options", [None])
    return settings.get("default", options[0] if options else None)


def widgets(node_info: dict) -> list[tuple[str | None, Any]]:
    """Name and default of a node's widgets in the order in which a workflow keeps their values; the front end's own
    ones have no name."""
    found: list[tuple[str | None, Any]] = []
    for group in ("required", "optional"):
        for name in node_info["input_order"].get(group, []):
            kind, *options = node_info["input"][group][name]
            settings = options[0] if options else {}
            if (isinstance(kind, list) or kind in WIDGET_TYPES) and not settings.get("forceInput"):
                found.append((name, default_value(kind, settings)))
                if settings.get("control_after_generate"):
                    found.append((None, None))
                if settings.get("image_upload"):
                    found.append((None, None))
    return found


def to_prompt(workflow: dict, object_info: dict) -> dict:
    """A workflow without subgraphs, in API format: node id → class and inputs.

    A widget that a node has got since the workflow was saved has its default, as in the front end.

    Raises:
        KeyError: for a node that the host does not have.
    """
    origin = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt = {}
    for node in workflow["nodes"]:
        if node["type"] in NOT_SENT or node.get("mode", 0) in NOT_RUN:
            continue
        has, saved = widgets(object_info[node["type"]]), node.get("widgets_values", [])
        values = [*saved, *(default for _, default in has[len(saved) :])]
        inputs = {name: value for (name, _), value in zip(has, values) if name}
        links = {slot["name"]: origin[slot["link"]] for slot in node.get("inputs", []) if slot.get("link") is not None}
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs | links}
    return prompt


def find(prompt: dict, class_type: str) -> str:
    """The id of the one node of a class."""
    (number,) = [number for number, node in prompt.items() if node["class_type"] == class_type]
    return number
