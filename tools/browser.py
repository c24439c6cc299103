"""The Chromium that the browser tests drive.

    python -m tools.browser           finds one or installs one, or says in a sentence what to do (`make test`)

It is `$CHROMIUM`, or one on the path, or playwright's own. Only one that starts counts: Ubuntu's package is a stub for
snap, and playwright's own needs libraries of the system. So does the program by which playwright drives any of them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from playwright.sync_api import sync_playwright

from tools import system_packages

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A bare Debian lacks libatomic, without which playwright does not run.
PACKAGES = {
    "apt-get": ["libatomic1", "chromium"],
    "dnf": ["libatomic", "chromium"],
    "pacman": ["chromium"],
}
PLAYWRIGHT = [sys.executable, "-m", "playwright"]
EMPTY_PAGE = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank"]
PATIENCE = 60  # seconds; a machine may be busy


def candidates() -> Iterator[str]:
    """Where a Chromium may be, best first. `$CHROMIUM` is the only one if it is set."""
    if asked := os.environ.get("CHROMIUM"):
        yield asked
        return
    yield from filter(None, map(shutil.which, NAMES))
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    yield own


def shown_by(*command: str) -> bytes:
    """What a program writes; nothing if it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


def starts(browser: str) -> bool:
    """Whether it can show an empty page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        return b"<html" in shown_by(browser, f"--user-data-dir={profile}", *EMPTY_PAGE)


def find_chromium() -> str | None:
    """The one to use, or None. Without playwright's program none is of use."""
    return next(filter(starts, candidates()), None) if shown_by(*PLAYWRIGHT, "--version") else None


def what_to_do() -> str:
    """The sentence for a user whose machine has none."""
    asked = os.environ.get("CHROMIUM")
    if asked and not starts(asked):
        return f"CHROMIUM is {asked}, but no browser starts there: set it to the path of a Chromium, or unset it."
    return (
        "The browser tests need a Chromium: install one (`apt install chromium libatomic1`, or `.venv/bin/python -m "
        "playwright install --with-deps chromium`), or set CHROMIUM to its path."
    )


def install_from_system() -> None:
    system_packages.install(PACKAGES)


def install_from_playwright() -> None:
    system_packages.quietly(*PLAYWRIGHT, "install", "chromium")


def install_libraries_for_playwright() -> None:
    if system_packages.is_root():  # else it would ask for a password
        system_packages.quietly(*PLAYWRIGHT, "install-deps", "chromium")


def main() -> None:
    if find_chromium():
        return
    if not os.environ.get("CHROMIUM"):
        print("Installing a Chromium for the browser tests ...", flush=True)
        for install in (install_from_system, install_from_playwright, install_libraries_for_playwright):
            install()
            if find_chromium():
                return
    raise SystemExit(what_to_do())


if __name__ == "__main__":
    main()
