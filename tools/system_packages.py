"""Packages of the operating system, for the few things that pip cannot install."""

import contextlib
import os
import shutil
import subprocess

# What each manager is asked, a package's name added to the last command.
MANAGERS = {
    "apt-get": ["apt-get update", "apt-get install -y --no-install-recommends"],
    "dnf": ["dnf install -y"],
    "pacman": ["pacman -Sy --noconfirm"],
}
PATIENCE = 900  # seconds; a download on a slow line


def is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0


def quietly(*command: str) -> None:
    """Run it without a question and without a word, whether it works or not: the caller looks at what came of it."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    silence = subprocess.DEVNULL
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, stdin=silence, stdout=silence, stderr=silence, timeout=PATIENCE, env=environment)


def install(packages: dict[str, list[str]]) -> None:
    """Ask the system's manager, if we are root, for the packages that are listed under its name."""
    found = next(filter(shutil.which, packages), None)
    if found and is_root():
        *first, last = (command.split() for command in MANAGERS[found])
        for command in first:
            quietly(*command)  # an index that cannot be had need not matter: an older one may do
        for package in packages[found]:
            quietly(*last, package)  # each by itself: one that is unknown would stop the others
