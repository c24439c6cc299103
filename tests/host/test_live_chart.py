"""What a run tells the front end while it goes on, in the host, on an embedded model."""

import contextlib
import itertools
import json
import uuid

import pytest
import websocket

from tests.host.graphs import Run
from tests.host.test_best_noise import with_best_noise
from tools.graph import Graph
from tools.server import PromptError, in_graph, next_message

SEEDS = itertools.count(7000)


def new_graph() -> str:
    return str(uuid.uuid4())


def recent_runs(host, graph: str) -> list[dict]:
    return host.get(f"/dsg/runs?graph={graph}").json()


def new_run(steps: int = 4, custom: bool = False) -> Run:
    """A run that the host has not cached."""
    return Run(steps=steps, custom=custom, inputs={"noise_seed" if custom else "seed": next(SEEDS)})


def guided_run(steps: int = 4, custom: bool = False) -> Run:
    run = new_run(steps, custom)
    run.guide()
    return run


def to_prompt(run: Run) -> dict:
    run.graph.add("Test_LatentNumbers", latent=[run.sampled(), 0])
    return run.graph.nodes


def test_a_run_sends_one_message_a_step(host):
    run, graph = guided_run(), new_graph()
    _, report = run.outcome(host, in_graph(graph))
    (sampler,) = {message["node"] for message in host.steps}
    assert run.graph.nodes[sampler]["class_type"] == "DSG_KSampler"
    assert [message["done"] for message in host.steps] == [1, 2, 3, 4]
    assert {(message["graph"], message["total"], message["turn"]) for message in host.steps} == {(graph, 4, 1)}
    assert host.steps[-1]["method"] == report["method"]
    assert host.steps[-1]["gradient_modes"] == report["gradient_modes"] == ["exact"]
    for message, step in zip(host.steps, report["steps"], strict=True):
        (shown,) = message["steps"]
        assert shown["losses"] == {name: pytest.approx(value) for name, (value,) in step["losses"].items()}
        assert shown["rate"] == step["guidance_rate"]
        assert (shown["guided"], shown["skipped"]) == (bool(step["gradient_norm"]), step["skipped"])
    assert [message["steps"][0]["guided"] for message in host.steps] == [True, True, True, False]


def test_who_comes_later_is_served_the_same_steps(host):
    graph = new_graph()
    guided_run().outcome(host, in_graph(graph))
    (kept,) = recent_runs(host, graph)
    assert kept["steps"] == [step for message in host.steps for step in message["steps"]]
    assert {key: kept[key] for key in ("number", "node", "total", "method", "gradient_modes")} == {
        key: host.steps[-1][key] for key in ("number", "node", "total", "method", "gradient_modes")
    }
    assert recent_runs(host, new_graph()) == []
    assert host.get("/dsg/runs").json() == []


def test_the_hosts_custom_sampling_is_shown_on_the_node_that_samples(host):
    run = guided_run(custom=True)
    run.outcome(host, in_graph(new_graph()))
    assert {run.graph.nodes[message["node"]]["class_type"] for message in host.steps} == {"SamplerCustom"}
    assert len(host.steps) == 4


def test_each_try_of_best_noise_is_a_run_of_its_own(host, guided):
    graph = new_graph()
    host.run(with_best_noise(guided), extra_data=in_graph(graph))
    tries = [(message["turn"], message["done"]) for message in host.steps if message["node"] == "best"]
    assert tries == [(turn, step) for turn in (1, 2, 3) for step in (1, 2, 3, 4)]
    best, _ = recent_runs(host, graph)
    assert (best["node"], best["turn"]) == ("best", 3)


def test_an_unguided_run_says_that_no_step_was_guided(host):
    new_run(steps=3).outcome(host, in_graph(new_graph()))
    assert [message["steps"][0]["guided"] for message in host.steps] == [False] * 3


def test_a_node_that_was_expanded_is_shown_where_it_came_from(host):
    run = guided_run()
    inputs = {name: getattr(run, name) for name in ("model", "positive", "negative", "latent_image", "vae")}
    expanding = run.graph.add("Test_Expanding", **inputs)
    run.graph.add("Test_LatentNumbers", latent=[expanding, 0])
    host.run(run.graph.nodes, extra_data=in_graph(new_graph()))
    assert [message["node"] for message in host.steps] == [expanding] * 3


def test_losses_that_are_not_finite_are_words_that_json_knows(host):
    run = guided_run(steps=3)
    loss = run.graph.add("Test_InfiniteLoss")
    settings = {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0}
    run.positive = [run.graph.add("DSG_ApplyLoss", conditioning=run.positive, loss=[loss, 0], **settings), 0]
    graph = new_graph()
    run.outcome(host, in_graph(graph))
    assert host.steps[0]["steps"][0]["losses"]["infinite"] is None
    json.loads(host.get(f"/dsg/runs?graph={graph}").text, parse_constant=lambda word: pytest.fail(word))


@pytest.mark.parametrize("info", [None, [], "x", {}, {"workflow": None}, {"workflow": []}, {"workflow": {"id": 3}}])
def test_a_prompt_without_a_graph_samples_as_ever(host, info):
    host.run(to_prompt(guided_run(steps=1)), extra_data={"extra_pnginfo": info})
    assert host.steps == []


def test_messages_go_to_nobody_but_the_client_that_queued(host):
    """The host would send those without an address to everybody."""
    graph, heard = new_graph(), set()
    with contextlib.closing(
        websocket.create_connection(f"ws://{host.address}/ws?clientId={uuid.uuid4().hex}")
    ) as other:
        body = {"prompt": to_prompt(guided_run(steps=3)), "extra_data": in_graph(graph)}
        host.post("/prompt", body).raise_for_status()
        host.run(to_prompt(guided_run(steps=1)), extra_data=in_graph(new_graph()))  # the host takes them in turn
        (kept,) = recent_runs(host, graph)
        assert len(kept["steps"]) == 3
        with contextlib.suppress(TimeoutError):
            while True:
                message = next_message(other, until=0)
                heard.add(json.loads(message)["type"] if isinstance(message, str) else "bytes")
    assert "status" in heard
    assert "dsg.step" not in heard


def test_a_run_that_fails_keeps_the_steps_that_were_done(host):
    graph = new_graph()

    def interrupt(node: str, step: int, total: int) -> None:
        if step == 3:
            host.post("/interrupt")

    with pytest.raises(PromptError, match="interrupted"):
        host.run(to_prompt(guided_run(steps=6)), interrupt, extra_data=in_graph(graph))
    (kept,) = recent_runs(host, graph)
    assert 2 <= len(kept["steps"]) < kept["total"] == 6


def test_the_memory_is_bounded(host):
    """By steps; the latest run is kept whatever its length."""

    def kept(*steps: int) -> list[int]:
        graph = Graph()
        shown = graph.add("Test_RecentRuns", steps=json.dumps(steps))
        return json.loads(host.run(graph.nodes)[shown]["text"][0])

    assert kept(5, 5) == [0, 1]
    assert kept(15_000, 4_000, 4_000) == [1, 2]
    assert kept(*[1_000] * 100) == list(range(80, 100))
    assert kept(10, 30_000) == [1]
