"""Write the templates in `workflows/` from their description in `tools/templates/`.

    python -m tools.make_templates

Run it after a change of a node's inputs; `python -m tools.make_thumbnails` makes the pictures beside them.
"""

import json

from tools.comfyui import REPOSITORY
from tools.server import running_host
from tools.templates import TEMPLATES
from tools.templates.layout import build


def main() -> None:
    with running_host() as host:
        object_info = host.get("/object_info").json()
    for template in TEMPLATES:
        path = REPOSITORY / "workflows" / f"{template.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(build(template, object_info), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
