"""Write `requirements-dev.lock`: the versions of all that `make setup` installs but torch, for each Python and system.

python -m tools.lock

It holds the requirements of the pack, of its tools and of the ComfyUI that `tools/setup.py` prepares, which installs by
it. Which registry the versions are read from is the machine's own matter: the file names none.
"""

import subprocess
import sys

from tools.comfyui import REPOSITORY
from tools.setup import LOCK, PREPARED_HOST, REQUIREMENTS, host_requirements

OLDEST_PYTHON = "3.10"
HEADER = "# The versions that development and tests run with. Written by `python -m tools.lock`.\n"


def main() -> None:
    quiet = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    left_out = [f"--no-emit-package={name}" for name in ("torch", "torchvision", "torchaudio")]
    options = ["--universal", f"--python-version={OLDEST_PYTHON}", *quiet, *left_out]
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "-", *REQUIREMENTS, *options],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        input="\n".join(host_requirements(PREPARED_HOST)),
    )
    LOCK.write_text(HEADER + done.stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
