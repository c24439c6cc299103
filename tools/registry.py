"""The pack as the Comfy Registry takes it, by the registry's own command-line tool.

python -m tools.registry            check what publishing checks, and fail where it would only warn
python -m tools.registry FILE.zip   write the archive that users get

comfy-cli keeps its settings in the user's folder and counts its uses; here it does neither.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.comfyui import REPOSITORY

ARCHIVE = "node.zip"  # comfy-cli's name for it


def comfy(folder: Path, *arguments: str) -> str:
    """Run comfy-cli in a folder. Returns what it says.

    Raises:
        SystemExit: with what it says, if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as home:
        done = subprocess.run(
            [sys.executable, "-m", "comfy_cli", "--skip-prompt", *arguments],
            cwd=folder,
            env=os.environ | {"HOME": home, "USERPROFILE": home, "DO_NOT_TRACK": "1", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


def validate(folder: Path = REPOSITORY) -> None:
    """Check `pyproject.toml` and the code as before publishing.

    Raises:
        SystemExit: with what comfy-cli says, if that is more than that all is well.
    """
    said = comfy(folder, "node", "validate")
    if "All validation checks passed" not in said or "warning" in said.lower():
        raise SystemExit(said)


def pack(archive: Path) -> None:
    """Write the registry's archive: the files that git knows, as they are now, but for those of `.comfyignore`."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    with tempfile.TemporaryDirectory(prefix="comfyui-dsg-") as scratch:
        copy = Path(scratch)
        for name in filter(None, listed.stdout.split("\0")):
            if (REPOSITORY / name).exists():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name, copy / name)
        for command in (["git", "init", "--quiet"], ["git", "add", "--all", "--force"]):
            subprocess.run(command, cwd=copy, check=True)
        comfy(copy, "node", "pack")
        shutil.move(copy / ARCHIVE, archive)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, nargs="?")
    archive = parser.parse_args().archive
    if archive:
        pack(archive)
    else:
        validate()


if __name__ == "__main__":
    main()
