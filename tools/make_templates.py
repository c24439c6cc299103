"""Write the templates in `workflows/` and the blueprints in `subgraphs/` from their descriptions.

    python -m tools.make_templates

Run it after a change of a node's inputs; `python -m tools.make_thumbnails` makes the pictures beside them.
"""

import json

from tools import blueprints
from tools.blueprints import BLUEPRINTS
from tools.comfyui import REPOSITORY
from tools.server import running_host
from tools.templates import TEMPLATES
from tools.templates.layout import build


def main() -> None:
    with running_host() as host:
        object_info = host.get("/object_info").json()
    made = {f"workflows/{template.name}.json": build(template, object_info) for template in TEMPLATES}
    made |= {f"subgraphs/{blueprint.name}.json": blueprints.build(blueprint, object_info) for blueprint in BLUEPRINTS}
    for place, graph in made.items():
        (REPOSITORY / place).write_text(json.dumps(graph, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(place)


if __name__ == "__main__":
    main()
