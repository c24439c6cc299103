"""Two users of one host: each gets their own picture and their own words, whatever becomes of the other's prompt."""

import contextlib
import json
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from graphs import Run
from websocket import WebSocketTimeoutException, create_connection

from tools.server import Client, PromptError

LONG = 400  # steps, of a prompt that is to be cancelled


def prompt(seed: int, steps: int = 3, gradient: str = "exact") -> dict:
    """A guided run; its latent's bits are shown."""
    run = Run(gradient, steps=steps, inputs={"seed": seed})
    run.guide()
    run.graph.named("bits", "Test_LatentNumbers", latent=[run.sampled(), 0])
    return run.graph.nodes


def bits(client: Client, nodes: dict, on_step=None) -> str:
    return json.loads(client.run(nodes, on_step)["bits"]["text"][0])["sha"]


@pytest.fixture
def other(host) -> Client:
    """A second client of the same host."""
    return Client(host.address, host.log)


@pytest.fixture
def pool():
    with ThreadPoolExecutor() as threads:
        yield threads


def waiting(client: Client) -> list[str]:
    """The prompts that wait for their turn."""
    return [entry[1] for entry in client.get("/queue").json()["queue_pending"]]


def started(client: Client, pool: ThreadPoolExecutor, nodes: dict) -> Future:
    """The bits of a prompt that is under way by now."""
    under_way = threading.Event()
    result = pool.submit(bits, client, nodes, lambda node, step, steps: under_way.set())
    assert under_way.wait(120)
    return result


def queued(client: Client, nodes: dict) -> str:
    """Queue a prompt and do not wait for it."""
    return client.post("/prompt", {"prompt": nodes, "client_id": client.id}).json()["prompt_id"]


def test_prompts_that_are_queued_together_are_as_alone(host, pool):
    prompts = [prompt(seed, gradient=gradient) for seed, gradient in enumerate(["exact", "low memory", "exact"])]
    alone = [bits(host, nodes) for nodes in prompts]
    together = list(pool.map(bits, [Client(host.address, host.log) for _ in prompts], prompts))
    assert together == alone


def test_a_prompt_waits_behind_one_that_is_interrupted(host, other, pool):
    alone = bits(host, prompt(11))
    cancelled = started(host, pool, prompt(12, LONG))
    mine = pool.submit(bits, other, prompt(11))
    while not waiting(host):
        time.sleep(0.01)
    host.post("/interrupt")
    with pytest.raises(PromptError, match="interrupted"):
        cancelled.result(120)
    assert mine.result(120) == alone


def test_a_run_goes_on_while_a_waiting_prompt_is_deleted(host, other, pool):
    alone = bits(host, prompt(21, steps=12))
    bits(host, prompt(22))
    mine = started(host, pool, prompt(21, steps=12))
    theirs = queued(other, prompt(23))
    assert waiting(host) == [theirs]
    other.post("/queue", {"delete": [theirs]})
    assert waiting(host) == []
    assert mine.result(120) == alone
    assert theirs not in host.get("/history").json()


def test_an_interrupt_of_a_waiting_prompt_leaves_the_running_one(host, other, pool):
    alone = bits(host, prompt(31, steps=12))
    bits(host, prompt(32))
    mine = started(host, pool, prompt(31, steps=12))
    theirs = queued(other, prompt(33))
    other.post("/interrupt", {"prompt_id": theirs})
    other.post("/queue", {"delete": [theirs]})
    assert mine.result(120) == alone


def test_what_a_run_says_is_for_its_own_client(host, other):
    """A node of the other's graph may have the same number."""
    run = Run("none")
    run.graph.add("DSG_GuidanceReport", report=[run.sampled(), 1])
    socket = create_connection(f"ws://{other.address}/ws?clientId={other.id}", timeout=1)
    host.run(run.graph.nodes)
    assert any("carries no loss" in text for texts in host.texts.values() for text in texts)
    heard = []
    with contextlib.suppress(WebSocketTimeoutException):
        while True:
            heard.append(socket.recv())
    socket.close()
    assert not [message for message in heard if isinstance(message, bytes) and b"carries no loss" in message]
