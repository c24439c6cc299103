"""Whatever is in a model's file: nothing runs, connects or reads elsewhere, it costs little, and one sentence says why.

`HOSTILE_FILES_CASES=20000 python -m pytest tests/guidance_losses/networks/test_hostile_models.py` tries more.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hostile_files import ATTACKS, LOADERS, LONG, OUTSIDE, SOURCES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from guidance_losses import InputError

CASES = int(os.environ.get("HOSTILE_FILES_CASES", "200"))
SECONDS = 20  # of the processor's time; most take a hundredth of one
MEMORY = 700 * 2**20  # bytes beyond what the process has taken before
CONNECTIONS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pty.spawn", "webbrowser.open")
# What of Python's own words must not be in a sentence for users.
PYTHON = ("Traceback", "Error", "object has no attribute", "not supported between", "NoneType", "list index", "dtype")


class Watch:
    """Python's audit hook, which sees each connection, program and file that is opened. It cannot be removed again."""

    def __init__(self) -> None:
        self.outside: Path | None = None
        self.seen: list[str] = []
        sys.addaudithook(self.see)

    def see(self, event: str, arguments: tuple) -> None:
        if self.outside is None:
            return
        if event in CONNECTIONS or event in PROGRAMS:
            self.seen.append(f"{event} {arguments}")
            raise OSError("not while a file is loaded")
        if (
            event == "open"
            and isinstance(arguments[0], str)
            and Path(arguments[0]).resolve().is_relative_to(self.outside)
        ):
            self.seen.append(f"open {arguments[0]}")


@pytest.fixture(scope="session")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory) -> None:
    """What the loaders import on first use is no cost of a file."""
    for name in ("face .onnx", "segmentation config", "depth config", "pose config", "CLIP config"):
        source = SOURCES[name]
        LOADERS[source.loader](source.write(tmp_path_factory.mktemp("first") / source.name))


def peak() -> int:
    """The most memory that this process has taken so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def outcome(loader: str, path: Path, watch: Watch, outside: Path) -> str | None:
    """The sentence with which a path is refused, after all that must hold for it; None if it is loaded."""
    watch.seen.clear()
    before, began = peak(), time.process_time()
    watch.outside = outside.resolve()
    try:
        network = LOADERS[loader](path)
    except InputError as error:
        network, sentence = None, str(error)
    finally:
        watch.outside = None
    assert not watch.seen
    assert time.process_time() - began < SECONDS
    assert peak() - before < MEMORY
    assert not list(path.parent.rglob("ran"))
    if network is not None:
        assert isinstance(network, nn.Module)
        return None
    assert sentence.startswith(path.name)
    assert sentence.endswith(".")
    assert len(sentence) < 600
    assert sentence.isprintable()
    assert LONG[:100] not in sentence
    assert OUTSIDE not in sentence
    assert not [words for words in PYTHON if words in sentence]
    return sentence


@pytest.fixture
def places(tmp_path) -> tuple[Path, Path]:
    """A folder of models, and one beside it that no file may lead to."""
    models, outside = tmp_path / "models", tmp_path / "outside"
    models.mkdir()
    outside.mkdir()
    (outside / "secret").write_text(OUTSIDE)
    return models, outside


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_in_a_sentence_or_does_no_harm(name, places, watch):
    models, outside = places
    attack = ATTACKS[name]
    sentence = outcome(attack.loader, attack.write(models), watch, outside)
    assert (sentence is None) == attack.loads, sentence


@pytest.mark.parametrize("name", SOURCES)
def test_a_sound_file_loads(name, places, watch):
    models, outside = places
    source = SOURCES[name]
    assert outcome(source.loader, source.write(models / source.name), watch, outside) is None


def test_a_folder_that_is_a_link_itself_may_hold_models(places):
    models, outside = places
    source = SOURCES["face .onnx"]
    source.write(outside / source.name)
    (models / "drive").symlink_to(outside)
    assert LOADERS["face"](models / "drive" / source.name)


# Mutations

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 2, 10**6, 10**9, 10**18, 10**400, 0.5, -1e308, 1e308]),
    st.sampled_from(["", LONG, "../outside/secret", "http://somebody.example/x", "somebody/something", "gelu", "\0"]),
    st.sampled_from([[], {}, [[]], [0], [1] * 1000, {"a": 1}, {"model_type": "resnet"}]),
)


def values_in(content: Any, path: tuple = ()) -> Iterator[tuple]:
    """The ways to all that is in a JSON text."""
    inside = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from values_in(value, (*path, key))


@st.composite
def mutated_json(draw: Callable, content: bytes) -> bytes:
    """A value or two are another; a key may be gone."""
    described = json.loads(content)
    for _ in range(draw(st.integers(1, 2))):
        ways = list(values_in(described))
        *way, last = ways[draw(st.integers(0, len(ways) - 1))]
        place = described
        for key in way:
            place = place[key]
        if draw(st.integers(0, 4)):
            place[last] = draw(VALUES)
        else:
            del place[last]
        if not described:
            break
    return json.dumps(described).encode()


@st.composite
def mutated_bytes(draw: Callable, content: bytes) -> bytes:
    """Some bytes are others, near the ends, where files describe themselves; or a part is gone or twice."""
    changed = bytearray(content)
    places = st.one_of(
        st.integers(0, min(len(content), 2000) - 1), st.integers(max(0, len(content) - 2000), len(content) - 1)
    )
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(places)] = draw(st.integers(0, 255))
    match draw(st.integers(0, 5)):
        case 0:
            return bytes(changed[: draw(places)])
        case 1:
            first, last = sorted((draw(places), draw(places)))
            return bytes(changed[:last] + changed[first:])
    return bytes(changed)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> dict[str, Path]:
    """Each of `SOURCES`, written once."""
    folder = tmp_path_factory.mktemp("sound")
    written: dict[str, Path] = {}
    for name, source in SOURCES.items():
        place = folder / source.name
        written[name] = place if place.exists() else source.write(place)
    return written


@pytest.mark.parametrize("name", SOURCES)
def test_a_mutated_file_loads_or_ends_in_a_sentence(name, sound, watch):
    source, original = SOURCES[name], sound[name]
    content = (original / source.file).read_bytes()
    mutated = mutated_json if source.file.endswith(".json") else mutated_bytes

    @settings(
        max_examples=-(-CASES // len(SOURCES)),
        deadline=None,
        database=None,
        derandomize="HOSTILE_FILES_CASES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated(content))
    def try_one(changed: bytes) -> None:
        with TemporaryDirectory() as place:
            outside, target = Path(place, "outside"), Path(place, "models", source.name)
            outside.mkdir()
            (outside / "secret").write_text(OUTSIDE)
            target.parent.mkdir()
            if source.file:
                target.mkdir()
                for file in original.iterdir():
                    (target / file.name).write_bytes(changed if file.name == source.file else file.read_bytes())
            else:
                target.write_bytes(changed)
            outcome(source.loader, target, watch, outside)

    try_one()
