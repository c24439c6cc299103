"""A folder of pictures through a workflow: all of them, each once, whoever is killed on the way."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from tools.comfyui import REPOSITORY
from tools.server import Client, running_host

PATIENCE = 600  # seconds; a machine may be busy
INVERT = {
    "9": {"class_type": "LoadImage", "inputs": {"image": "of whoever saved it.png"}},
    "10": {"class_type": "ImageInvert", "inputs": {"image": ["9", 0]}},
    "11": {"class_type": "SaveImage", "inputs": {"images": ["10", 0], "filename_prefix": "batch"}},
}
# The same as the front end saves it.
DRAWN = {
    "nodes": [
        {"id": 9, "type": "LoadImage", "widgets_values": ["example.png", "image"], "inputs": []},
        {"id": 10, "type": "ImageInvert", "inputs": [{"name": "image", "link": 1}]},
        {"id": 11, "type": "SaveImage", "widgets_values": ["batch"], "inputs": [{"name": "images", "link": 2}]},
    ],
    "links": [[1, 9, 0, 10, 0, "IMAGE"], [2, 10, 0, 11, 0, "IMAGE"]],
}


@pytest.fixture(scope="module")
def host() -> Iterator[Client]:
    with running_host() as client:
        yield client


@pytest.fixture
def work(tmp_path) -> Path:
    """A folder with a workflow."""
    (tmp_path / "invert.json").write_text(json.dumps(INVERT))
    return tmp_path


def draw(folder: Path, names: list[str]) -> None:
    """A small picture of noise for each name."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / name)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), int)


def is_inverse(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.abs(first + second - 255).max() <= 1)  # the host rounds down


def numbered(count: int) -> list[str]:
    return [f"{number:03}.png" for number in range(count)]


def command(work: Path, host: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "tools.batch", str(work / "invert.json"), str(work / "in"), "--host", host, *options]


def batch(work: Path, host: Client, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(work, host.address, *options), cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE
    )


def records(folder: Path) -> list[dict]:
    log = folder / "batch.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    found = []
    for line in lines[1:]:
        with contextlib.suppress(ValueError):  # it may be read while it is written
            found.append(json.loads(line))
    return found


def wait_for(count: int, folder: Path) -> list[dict]:
    until = time.monotonic() + PATIENCE
    while len(found := records(folder)) < count:
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """The pixels of each result; a file also tells which prompt first made it in a host."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "batch.jsonl")
    return {path.relative_to(folder).as_posix(): pixels(path).tobytes() for path in found}


@contextlib.contextmanager
def started(work: Path, host: Client, *options: str) -> Iterator[subprocess.Popen]:
    """The command, killed in the end."""
    process = subprocess.Popen(
        command(work, host.address, *options), cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_each_picture_gives_one_of_its_name(work, host):
    names = ["a.png", "deeper/a.png", "deeper/日本 1.webp", "b.png", "b.jpg", "twin.png"]
    draw(work / "in", names)
    (work / "in" / "twin.png").write_bytes((work / "in" / "a.png").read_bytes())  # the host knows its result already
    (work / "in" / "notes.txt").write_text("no picture")
    done = batch(work, host)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"6 of 6 pictures are in {work / 'in results'}.\n"
    made = ["a.png", "deeper/a.png", "deeper/日本 1.png", "b.png.png", "b.jpg.png", "twin.png"]
    assert sorted(contents(work / "in results")) == sorted(made)
    for name, result in zip(names, made):
        assert is_inverse(pixels(work / "in" / name), pixels(work / "in results" / result)), name


def test_the_form_that_the_front_end_saves_gives_the_same(work, host):
    draw(work / "in", numbered(2))
    assert batch(work, host).returncode == 0
    (work / "invert.json").write_text(json.dumps(DRAWN))
    assert batch(work, host, "--output", str(work / "drawn")).returncode == 0
    for name in numbered(2):  # the files tell what made them, so their bytes differ
        assert np.array_equal(pixels(work / "drawn" / name), pixels(work / "in results" / name))


def test_several_pictures_of_one_are_numbered(work, host):
    draw(work / "in", numbered(1))
    twice = INVERT | {"2": {"class_type": "SaveImage", "inputs": {"images": ["9", 0], "filename_prefix": "same"}}}
    (work / "invert.json").write_text(json.dumps(twice))
    assert batch(work, host).returncode == 0
    first, second = (pixels(work / "in results" / f"000-{number}.png") for number in (1, 2))
    original = pixels(work / "in" / "000.png")
    assert is_inverse(original, second)  # in the order of the nodes
    assert np.array_equal(original, first)


def test_a_batch_that_was_killed_goes_on(work, host):
    names = numbered(40)
    draw(work / "in", names)
    assert batch(work, host, "--output", str(work / "whole")).returncode == 0
    with started(work, host):
        wait_for(10, work / "in results")
    before = records(work / "in results")
    assert 10 <= len(before) < 40
    assert batch(work, host).returncode == 0
    assert contents(work / "in results") == contents(work / "whole")
    after = records(work / "in results")
    assert after[: len(before)] == before
    assert Counter(record["picture"] for record in after) == Counter(names)


def test_a_picture_that_fails_is_told_and_tried_again(work, host):
    draw(work / "in", numbered(3))
    (work / "in" / "001.png").write_text("no picture at all")
    done = batch(work, host)
    assert done.returncode == 1
    assert "1 failed: " in done.stderr
    assert set(contents(work / "in results")) == {"000.png", "002.png"}
    (told,) = [record["error"] for record in records(work / "in results") if "error" in record]
    assert "cannot identify image file" in told
    draw(work / "in", numbered(3))
    assert batch(work, host).returncode == 0
    assert set(contents(work / "in results")) == set(numbered(3))
    assert len(records(work / "in results")) == 4


def test_a_line_that_was_cut_short_is_no_harm(work, host):
    draw(work / "in", numbered(3))
    assert batch(work, host).returncode == 0
    log = work / "in results" / "batch.jsonl"
    log.write_text(log.read_text()[:-20])
    assert batch(work, host).returncode == 0
    assert [record["picture"] for record in records(work / "in results")] == ["000.png", "001.png", "002.png"]


def change(**changes: dict) -> dict:
    return json.loads(json.dumps(INVERT)) | changes


@pytest.mark.parametrize(
    ("workflow", "options", "said"),
    [
        ("{", [], r"^invert\.json is no workflow: it is not JSON"),
        ('{"a": 1}', [], r"^invert\.json is no workflow of ComfyUI; save it there with Export"),
        (
            json.dumps(change(x=INVERT["9"])),
            [],
            r"several Load Image nodes: 9 \(of whoever.*\), x \(.*say with --image",
        ),
        (json.dumps({"10": INVERT["10"]}), [], r"no Load Image node that could get the pictures"),
        (json.dumps(INVERT), ["--image", "11"], r"no node 11 with an image of its own"),
        (json.dumps(DRAWN).replace("ImageInvert", "Unheard"), [], r"^ComfyUI has no node Unheard; install"),
        (json.dumps(INVERT), ["--host", "127.0.0.1:9"], r"^No ComfyUI answers at 127\.0\.0\.1:9; start it"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(work, host, workflow, options, said):
    draw(work / "in", numbered(1))
    (work / "invert.json").write_text(workflow)
    done = batch(work, host, *options)
    assert done.returncode == 1
    assert re.search(said, done.stderr.splitlines()[-2]), done.stderr


def test_an_empty_folder_and_another_workflow_are_refused(work, host):
    (work / "in").mkdir()
    assert "There are no pictures in " in batch(work, host).stderr
    draw(work / "in", numbered(1))
    assert batch(work, host).returncode == 0
    (work / "invert.json").write_text(
        json.dumps(change(note={"class_type": "PreviewImage", "inputs": {"images": ["9", 0]}}))
    )
    assert "holds the results of another workflow" in batch(work, host).stderr


def test_a_host_that_ends_is_told_and_nothing_is_lost(work, host):
    names = numbered(30)
    draw(work / "in", names)
    with contextlib.ExitStack() as stack:
        with running_host() as other:
            running = stack.enter_context(started(work, other))
            wait_for(5, work / "in results")
        assert running.wait(PATIENCE) == 1
    assert "no longer answers" in records(work / "in results")[-1]["error"]
    assert batch(work, host).returncode == 0
    assert set(contents(work / "in results")) == set(names)


def hosts_of(work: Path) -> list[psutil.Process]:
    """The ComfyUIs that workers started, whose folders are below this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if "main.py" in line and any(str(work / "temporary") in part for part in line):
                found.append(process)
    return found


def test_two_workers_of_ray_lose_nothing_when_one_is_killed_and_then_the_command(work, host, monkeypatch):
    names = numbered(40)
    draw(work / "in", names)
    assert batch(work, host, "--output", str(work / "whole")).returncode == 0
    (work / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(work / "temporary"))
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_TMPDIR", tempfile.gettempdir())  # the names of its sockets must be short
    on_ray = ["--ray", "--workers", "2"]
    results = work / "in results"

    with started(work, host, *on_ray):
        killed = int(wait_for(5, results)[-1]["place"].rpartition(" ")[2])
        os.kill(killed, signal.SIGKILL)
        wait_for(len(records(results)) + 10, results)
    before = records(results)
    assert len(before) < len(names)
    psutil.wait_procs(hosts_of(work), timeout=PATIENCE)
    assert hosts_of(work) == []

    done = batch(work, host, *on_ray)
    assert done.returncode == 0, done.stderr
    assert contents(results) == contents(work / "whole")
    after = records(results)
    assert after[: len(before)] == before
    assert Counter(record["picture"] for record in after) == Counter(names)
    assert len({record["place"] for record in after[len(before) :]}) == 2  # both worked
