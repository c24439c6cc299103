"""Where ComfyUI is.

The host is looked for in this order: `$COMFYUI_PATH`; the ComfyUI whose `custom_nodes/` holds this checkout;
`~/comfy/ComfyUI`, where comfy-cli puts it; the copy that `tools/setup.py` prepared in `.host/`.
"""

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PREPARED_HOST = REPOSITORY / ".host" / "ComfyUI"
STAND_INS = REPOSITORY / "tools" / "stand_ins"


def is_host(folder: Path) -> bool:
    return (folder / "main.py").is_file() and (folder / "comfy").is_dir()


def installed_host() -> Path | None:
    """The ComfyUI that the user already has, or None. A `$COMFYUI_PATH` that holds none is an error."""
    asked = os.environ.get("COMFYUI_PATH")
    if asked:
        if not is_host(Path(asked)):
            raise SystemExit(f"COMFYUI_PATH is {asked}, but there is no ComfyUI (main.py, comfy/) in that folder.")
        return Path(asked).resolve()
    for folder in (REPOSITORY.parent.parent, Path.home() / "comfy" / "ComfyUI"):
        if is_host(folder):
            return folder
    return None


def find_host() -> Path:
    """The ComfyUI to run. Raises SystemExit with what to do if there is none."""
    host = installed_host() or PREPARED_HOST
    if not is_host(host):
        raise SystemExit("No ComfyUI found. Run `make setup`, or set COMFYUI_PATH to the folder of yours.")
    return host


def import_host() -> None:
    """Make `comfy.*` importable in this process, on the CPU, without starting the server."""
    for folder in (str(find_host()), str(STAND_INS)):
        if folder not in sys.path:
            sys.path.append(folder)  # behind everything else: the host has top-level modules with common names
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
