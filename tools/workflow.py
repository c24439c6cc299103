"""From a workflow as the front end saves it to a prompt as the HTTP API takes it."""

WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
NOT_RUN = (2, 4)  # the front end's modes "never" and "bypass"
NOT_SENT = {"Note", "MarkdownNote"}


def widget_names(node_info: dict) -> list[str | None]:
    """Names of a node's widgets in the order in which a workflow keeps their values; None for the front end's own."""
    names: list[str | None] = []
    for group in ("required", "optional"):
        for name in node_info["input_order"].get(group, []):
            kind, *options = node_info["input"][group][name]
            settings = options[0] if options else {}
            if (isinstance(kind, list) or kind in WIDGET_TYPES) and not settings.get("forceInput"):
                names.append(name)
                if settings.get("control_after_generate"):
                    names.append(None)
                if settings.get("image_upload"):
                    names.append(None)
    return names


def to_prompt(workflow: dict, object_info: dict) -> dict:
    """A workflow without subgraphs, in API format: node id → class and inputs.

    Raises:
        KeyError: for a node that the host does not have.
    """
    origin = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt = {}
    for node in workflow["nodes"]:
        if node["type"] in NOT_SENT or node.get("mode", 0) in NOT_RUN:
            continue
        names = widget_names(object_info[node["type"]])
        inputs = {name: value for name, value in zip(names, node.get("widgets_values", [])) if name}
        links = {slot["name"]: origin[slot["link"]] for slot in node.get("inputs", []) if slot.get("link") is not None}
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs | links}
    return prompt


def find(prompt: dict, class_type: str) -> str:
    """The id of the one node of a class."""
    (number,) = [number for number, node in prompt.items() if node["class_type"] == class_type]
    return number
