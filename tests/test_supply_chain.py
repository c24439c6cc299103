"""What comes with the pack and what it stands on: licences, versions, and nothing secret."""

import ast
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_repository import MODULES, PACKAGES
from tools.check_secrets import find_secrets
from tools.comfyui import REPOSITORY, find_host

REQUIREMENT_FILES = sorted(file.name for file in REPOSITORY.glob("requirements*.txt"))
# What we import under another name than the one it is installed by, and what is the host's own.
INSTALLED_AS = {"PIL": "pillow", "google": "protobuf", "open_clip": "open-clip-torch"}
HOST_MODULES = {"comfy", "comfy_api", "comfy_execution", "folder_paths", "latent_preview", "server"}
# The host does not start without them.
IN_EVERY_COMFYUI = {"aiohttp", "numpy", "PIL", "safetensors", "scipy", "torch", "torchvision"}
# What a package's metadata says, in as many words as there are packages, and the SPDX name of it.
SPDX = {
    "Apache-2.0": r"Apache[- ](Software )?(2\.0|License)",
    "BSD-3-Clause": r"BSD",
    "GPL-3.0-only": r"GPL",
    "MIT": r"\bMIT\b",
    "MPL-2.0": r"MPL-2\.0|Mozilla",
    "PSF-based": r"Python Software Foundation",
}


def read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def requirements(name: str) -> list[Requirement]:
    return [Requirement(line) for line in read(name).splitlines() if line and not line.startswith("#")]


def noticed() -> dict[str, str]:
    """What NOTICE's tables hold: name → what stands beside it."""
    return {name: beside.strip() for name, beside in re.findall(r"^  (\S+) {2,}(.*)$", read("NOTICE"), re.MULTILINE)}


def test_notice_has_all_packages():
    required = {canonicalize_name(wanted.name) for name in REQUIREMENT_FILES for wanted in requirements(name)}
    imported = {INSTALLED_AS.get(name, name) for names in PACKAGES.values() for name in names} - HOST_MODULES
    drawn_with = json.loads(read("embedded/faces/package.json"))["dependencies"]
    weights = REPOSITORY / "embedded" / "weights"
    stored = {str(file.relative_to(weights)) for kind in ("safetensors", "onnx") for file in weights.rglob(f"*.{kind}")}
    listed = set(noticed()) - {"ToonHead", "file"}
    assert listed == required | imported | set(drawn_with) | stored


def test_notice_has_the_licences_that_packages_state():
    installed = {canonicalize_name(found.name): found.metadata for found in importlib.metadata.distributions()}
    compared = [name for name in noticed() if name in installed]
    assert {"matplotlib", "onnx2torch", "open-clip-torch"} <= set(compared)
    for name in compared:
        fields = [installed[name].get_all(field) or [] for field in ("License-Expression", "License", "Classifier")]
        stated = " ".join(word for values in fields for word in values)
        for licence in re.findall("|".join(map(re.escape, SPDX)), noticed()[name]):
            assert re.search(SPDX[licence], stated), (name, licence, stated)


def test_the_lock_file_has_what_the_requirements_want():
    locked = [Requirement(line) for line in read("requirements-dev.lock").splitlines() if not line.startswith("#")]
    for name in ("requirements.txt", "requirements-dev.txt"):
        for wanted in requirements(name):
            versions = [
                next(iter(found.specifier)).version
                for found in locked
                if canonicalize_name(found.name) == canonicalize_name(wanted.name)
            ]
            assert versions, wanted
            assert all(wanted.specifier.contains(version) for version in versions), wanted
    assert not {"torch", "torchvision", "torchaudio"} & {found.name for found in locked}


def test_the_lock_file_names_no_registry():
    assert not re.search(r"https?:|file:|--", read("requirements-dev.lock"))


def test_a_secret_is_found(tmp_path):
    (tmp_path / "clean.py").write_text("region = 'eu-west-1'\n")
    (tmp_path / "leaky.py").write_text("key = 'AKIA" + "QWERTYUIOPASDFGH'\n")
    found = find_secrets([str(tmp_path / "clean.py"), str(tmp_path / "leaky.py")])
    assert found.returncode == 1
    assert "AWS Access Key" in found.stdout
    assert "clean.py" not in found.stdout


def wanted_by(names: list[str]) -> Iterator[tuple[str, Requirement]]:
    """What packages want, and what those want in turn: who, and what. By the metadata of what is installed."""
    waiting, seen = list(names), set(names)
    while waiting:
        name = waiting.pop()
        for line in importlib.metadata.requires(name) or []:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                yield name, wanted
                if canonicalize_name(wanted.name) not in seen:
                    seen.add(canonicalize_name(wanted.name))
                    waiting.append(wanted.name)


def test_installing_the_pack_changes_no_version_of_the_hosts():
    """pip leaves a package alone that all are content with: with the version that is there, and with any later one."""
    lines = (find_host() / "requirements.txt").read_text(encoding="utf-8").splitlines()
    stated = [Requirement(text) for line in lines if (text := line.partition("#")[0].strip())]
    hosts = {canonicalize_name(each.name): each for each in stated}
    ours = requirements("requirements.txt")
    compared = set()
    for who, wanted in [("requirements.txt", each) for each in ours] + [*wanted_by([each.name for each in ours])]:
        name = canonicalize_name(wanted.name)
        if name not in hosts:
            continue
        assert wanted.specifier.contains(importlib.metadata.version(name), prereleases=True), (who, str(wanted))
        assert {each.operator for each in wanted.specifier} <= {">=", ">", "!="}, (who, str(wanted))
        compared.add(name)
    assert {"numpy", "torch", "torchvision", "safetensors"} <= compared


def test_the_changelog_dates_the_version():
    (version,) = re.findall(r'^version = "(.*)"$', read("pyproject.toml"), re.MULTILINE)
    assert re.search(rf"^## {re.escape(version)} — \d{{4}}-\d\d-\d\d$", read("CHANGELOG.md"), re.MULTILINE)


@pytest.mark.parametrize("name", PACKAGES)
def test_what_a_comfyui_may_lack_is_imported_where_it_is_needed(name):
    """Or the whole pack would not load without it."""
    for module in sorted(MODULES):
        if f"{module}.".startswith(f"{name}."):
            tree = ast.parse(read(str(MODULES[module])))
            lines = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            others = {line.split()[1].partition(".")[0] for line in lines} - {""} - sys.stdlib_module_names
            assert others <= IN_EVERY_COMFYUI | HOST_MODULES, module
