"""Which Chromium the browser tests get, on machines that are made of small scripts: a PATH with nothing else on it."""

import os
import subprocess
import sys
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.comfyui import REPOSITORY

STARTS = "echo '<html></html>'"
STUB = "echo 'Chromium 1.0'"  # answers, but shows no page
INSTALLING = "Installing a Chromium for the browser tests ...\n"
NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


class Machine:
    """A machine with no browser, no package manager and no network."""

    def __init__(self, folder: Path):
        self.programs, self.asked = folder / "bin", folder / "asked"
        self.programs.mkdir()
        self.environment = {
            "PATH": str(self.programs),
            "HOME": str(folder),
            "PLAYWRIGHT_BROWSERS_PATH": str(folder / "playwright"),
            "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9",
        }

    def put(self, path: str | Path, script: str) -> str:
        place = self.programs / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
        return str(place)

    def put_apt(self, browser: str) -> None:
        """A package manager as noisy as the real one, with an index it cannot get. Its Chromium is this script."""
        ready = self.put("chromium.package", browser)
        self.put(
            "apt-get",
            f"""
            echo "$DEBIAN_FRONTEND: $*" >> {self.asked}
            echo Unpacking
            echo W: locale >&2
            case "$*" in
                install*chromium) /bin/cp {ready} {self.programs}/chromium ;;
                *) exit 100 ;;
            esac
            """,
        )

    def asked_of_apt(self) -> list[str]:
        return self.asked.read_text().splitlines() if self.asked.exists() else []

    def python(self, *arguments: str, **more: str) -> subprocess.CompletedProcess:
        environment = self.environment | more
        return subprocess.run(
            [sys.executable, *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
        )

    def found(self, **more: str) -> list[str]:
        """What `find_chromium` finds, and behind it all the candidates."""
        code = "from tools.browser import *; print(find_chromium(), *candidates(), sep='\\n')"
        return self.python("-c", code, **more).stdout.splitlines()

    def make_ready(self, **more: str) -> subprocess.CompletedProcess:
        return self.python("-m", "tools.browser", **more)


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path)


def needs_root(test):
    return pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")(test)


def test_those_on_the_path_come_first_then_playwrights_own(machine):
    for name in reversed(NAMES):
        machine.put(name, STARTS)
    found, *places, own = machine.found()
    assert [Path(place).name for place in places] == NAMES
    assert own.startswith(machine.environment["PLAYWRIGHT_BROWSERS_PATH"])
    assert found == places[0]


@pytest.mark.parametrize("broken", [STUB, "exit 1", f"{STARTS}; exit 1"])
def test_one_that_does_not_start_is_passed_over(machine, broken):
    machine.put("chromium", broken)
    whole = machine.put("google-chrome", STARTS)
    assert machine.found()[0] == whole


def test_playwrights_own_is_found_where_it_was_downloaded(machine):
    nothing, own = machine.found()
    assert nothing == "None"
    machine.put(own, STARTS)
    assert machine.found()[0] == own


def test_the_one_that_the_user_names_is_the_only_one(machine):
    machine.put("chromium", STARTS)
    own = machine.put("my own/browser", STARTS)
    assert machine.found(CHROMIUM=own) == [own, own]


def test_where_one_is_installed_nothing_is_done_or_said(machine):
    machine.put("chromium", STARTS)
    machine.put_apt(STARTS)
    done = machine.make_ready()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.asked_of_apt() == []


@needs_root
def test_root_gets_one_from_the_package_manager_in_silence(machine):
    machine.put_apt(STARTS)
    done = machine.make_ready()
    assert (done.returncode, done.stdout, done.stderr) == (0, INSTALLING, "")
    assert machine.asked_of_apt() == [
        "noninteractive: update",
        "noninteractive: install -y --no-install-recommends libatomic1",
        "noninteractive: install -y --no-install-recommends chromium",
    ]


def test_else_playwright_downloads_its_own_in_silence(machine, tmp_path):
    """From a server of ours, which has a script for a browser and gives it for every file."""
    *_, own = machine.found()
    root = Path(machine.environment["PLAYWRIGHT_BROWSERS_PATH"])
    inside = Path(*Path(own).relative_to(root).parts[1:])
    with zipfile.ZipFile(tmp_path / "browser.zip", "w") as archive:
        script = machine.put("download", STARTS)
        archive.write(script, inside)

    class Download(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(tmp_path / "browser.zip")

        def log_message(self, *_) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Download) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = machine.make_ready(PLAYWRIGHT_DOWNLOAD_HOST=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert (done.returncode, done.stdout, done.stderr) == (0, INSTALLING, "")
    assert machine.found()[0] == own


def test_where_none_can_be_had_one_sentence_says_what_to_do(machine):
    """A package that is a stub, and no network for playwright: two lines in all."""
    machine.put_apt(STUB)
    done = machine.make_ready()
    assert (done.returncode, done.stdout) == (1, INSTALLING)
    assert done.stderr.count("\n") == 1
    assert "apt install chromium" in done.stderr
    assert bool(machine.asked_of_apt()) == (os.geteuid() == 0)


def test_a_playwright_that_lacks_a_library_gets_no_further_than_the_sentence(machine):
    """As on a bare Debian without libatomic: its program ends before it begins, whichever the browser."""
    machine.put("chromium", STARTS)
    node = machine.put("node", "echo 'cannot open shared object file' >&2; exit 127")
    done = machine.make_ready(PLAYWRIGHT_NODEJS_PATH=node, CHROMIUM=str(machine.programs / "chromium"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "libatomic1" in done.stderr


def test_a_named_one_that_does_not_start_is_not_replaced(machine):
    machine.put_apt(STARTS)
    done = machine.make_ready(CHROMIUM="/nowhere/chromium")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "CHROMIUM is /nowhere/chromium" in done.stderr
    assert machine.asked_of_apt() == []


def test_the_browser_tests_end_with_that_sentence_once(machine):
    done = machine.python("-m", "pytest", "tests/browser", CHROMIUM="/nowhere/chromium")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert said.count("CHROMIUM is /nowhere/chromium") == 1
    assert "failed" not in said
    assert "error" not in said.lower()


def test_make_sees_to_the_browser_before_the_tests_and_only_for_them():
    def commands(goal: str) -> str:
        done = subprocess.run(["make", "--dry-run", goal], cwd=REPOSITORY, capture_output=True, text=True, check=True)
        return done.stdout

    assert 0 < commands("test").index("tools.browser") < commands("test").index("-m pytest")
    assert "tools.browser" not in commands("demo") + commands("ui")
