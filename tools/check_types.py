"""mypy over all rooms.

    python -m tools.check_types

The rooms of the pack import each other as parts of one package, whose folder a user may call what they like; so they
are checked as such a package, through a link. The others are checked as they are run, from the repository's folder.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tools.comfyui import REPOSITORY

PACKAGE = "comfyui_dsg"
PACK = ["nodes", "host", "guidance_losses", "sampling", "embedded"]
OTHERS = ["tools", "tasks", "benchmarks"]


def mypy(folder: Path, packages: list[str], *options: str) -> subprocess.Popen[bytes]:
    """Begin to check packages below a folder."""
    config, cache = REPOSITORY / "pyproject.toml", REPOSITORY / ".mypy_cache" / packages[0]
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(cache), *options]
    return subprocess.Popen([*command, *(f"--package={name}" for name in packages)], cwd=folder)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as folder:
        (Path(folder) / PACKAGE).symlink_to(REPOSITORY, target_is_directory=True)
        pack = mypy(Path(folder), [f"{PACKAGE}.{name}" for name in PACK], "--disallow-untyped-defs")
        others = mypy(REPOSITORY, OTHERS)  # beside it: each takes a minute where nothing is cached
        codes = pack.wait(), others.wait()
    sys.exit(max(codes))


if __name__ == "__main__":
    main()
