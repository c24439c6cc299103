"""detect-secrets over all texts that git knows: no key, token or password is checked in.

python -m tools.check_secrets
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.comfyui import REPOSITORY

BINARY = {".jpg", ".onnx", ".png", ".safetensors"}
# Benchmarks write down the commit that they measured, templates the hash of a file that they name: hexadecimal numbers.
NUMBERS = r'"commit": "[0-9a-f]{40}"|("hash": |sha256=|"sha256": )"[0-9a-f]{64}"'


def find_secrets(files: list[str]) -> subprocess.CompletedProcess:
    """Returns code 1 and, as its output, where it found what looks like a secret. Nothing is asked of the network."""
    scan = [sys.executable, "-m", "detect_secrets.pre_commit_hook", "--no-verify", "--exclude-lines", NUMBERS]
    return subprocess.run([*scan, *files], cwd=REPOSITORY, capture_output=True, text=True, check=False)


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    texts = [name for name in listed.stdout.split("\0") if name and Path(name).suffix not in BINARY]
    parts = os.cpu_count() or 1  # it takes most of a minute, of one core
    with ThreadPoolExecutor(parts) as pool:
        scans = list(pool.map(find_secrets, [texts[part::parts] for part in range(parts)]))
    for found in scans:
        print(found.stdout + found.stderr, end="")
    sys.exit(max(found.returncode for found in scans))


if __name__ == "__main__":
    main()
