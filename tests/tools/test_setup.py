"""`tools/setup.py` in a checkout that holds little else: what it says, and what it says when something is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.comfyui import REPOSITORY
from tools.system_packages import is_root


class Checkout:
    """An empty root: only this Python, no network, and no setting of pip's."""

    def __init__(self, folder: Path):
        self.folder, self.programs, self.asked = folder / "pack", folder / "bin", folder / "asked"
        shutil.copytree(REPOSITORY / "tools", self.folder / "tools")
        self.programs.mkdir()
        for name in ("requirements.txt", "requirements-dev.txt"):
            (self.folder / name).write_text("pip\n")  # is there: pip says so
        self.environment = {
            "PATH": str(self.programs),
            "HOME": str(folder),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
        }

    def put_host(self, place: Path) -> None:
        (place / "comfy").mkdir(parents=True)
        (place / "main.py").touch()
        self.environment |= {"COMFYUI_PATH": str(place), "COMFYUI_PYTHON": sys.executable}

    def take_ensurepip(self, library: Path) -> Path:
        """As on a Debian without python3-venv. Returns what hides it."""
        library.mkdir()
        hidden = library / "ensurepip.py"
        hidden.write_text("raise ModuleNotFoundError('ensurepip')\n")
        self.environment["PYTHONPATH"] = str(library)
        return hidden

    def put_apt(self, does: str = "true") -> None:
        script = self.programs / "apt-get"
        script.write_text(f'#!/bin/sh\necho "$*" >> {self.asked}\necho noise\n[ "$1" = update ] || {does}\n')
        script.chmod(0o755)

    def asked_of_apt(self) -> list[str]:
        return self.asked.read_text().splitlines() if self.asked.exists() else []

    def set_up(self) -> subprocess.CompletedProcess:
        script = self.folder / "tools" / "setup.py"
        return subprocess.run(
            [sys.executable, script], env=self.environment, capture_output=True, text=True, timeout=300
        )


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


def test_it_says_a_line_for_each_stage_and_installs_no_browser(checkout, tmp_path):
    checkout.put_host(tmp_path / "ComfyUI")
    checkout.put_apt()
    done = checkout.set_up()
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"Using the ComfyUI in {tmp_path / 'ComfyUI'}",
        "Installing the pack's requirements and the tools for its tests ...",
    ]
    assert done.returncode == 0
    assert checkout.asked_of_apt() == []


def test_what_pip_says_is_shown_when_it_fails(checkout):
    done = checkout.set_up()
    assert done.returncode == 1
    assert "No matching distribution found for torch" in done.stderr
    assert "pip --disable-pip-version-check install --no-compile torch" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_python_without_venv_gets_one_sentence_and_no_half_environment(checkout, tmp_path):
    checkout.take_ensurepip(tmp_path / "library")
    done = checkout.set_up()
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt install python3-venv" in done.stderr
    assert not (checkout.folder / ".venv").exists()


def test_root_gets_venv_from_the_package_manager_and_others_a_sentence(checkout, tmp_path):
    checkout.put_host(tmp_path / "ComfyUI")
    hidden = checkout.take_ensurepip(tmp_path / "library")
    checkout.put_apt(f"/bin/rm {hidden}")
    done = checkout.set_up()
    if not is_root():
        assert (done.returncode, checkout.asked_of_apt()) == (1, [])
        assert "apt install python3-venv" in done.stderr
        return
    assert (done.returncode, done.stderr) == (0, "")
    assert "noise" not in done.stdout
    assert checkout.asked_of_apt() == ["update", "install -y --no-install-recommends python3-venv"]
