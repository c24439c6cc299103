"""What went wrong is said with the name of the node where it was given: once, and in front."""

import pytest

from tasks.wiring import Batch
from tests.host.graphs import Run
from tools.comfyui import REPOSITORY
from tools.graph import Graph, Slot, loss
from tools.server import Client, PromptError
from tools.templates.layout import default_value, is_widget

NODE_IDS = sorted(path.stem for path in (REPOSITORY / "web" / "docs").glob("*.md"))
NUMBERS = "were given for 2 pictures; give one, or as many as pictures."


def said(host: Client, graph: Graph) -> str:
    """The error that the graph ends in."""
    with pytest.raises(PromptError) as error:
        host.run(graph.nodes)
    return str(error.value)


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_the_error_of_each_node_begins_with_the_name_that_the_user_sees(host, node_id):
    """All its sockets get NaN through a link, and so does its first widget."""
    info = host.get(f"/object_info/{node_id}").json()[node_id]
    graph = Graph()
    nan = [graph.add("Test_Anything"), 0]
    inputs = {
        name: default_value(spec[0], spec[1]) if is_widget(spec) else nan
        for name, spec in info["input"]["required"].items()
    }
    first = next((name for name, value in inputs.items() if value is not nan and not isinstance(value, bool)), None)
    graph.add("PreviewAny", source=[graph.add(node_id, **inputs | ({first: nan} if first else {})), 0])
    message = said(host, graph)
    assert message.startswith(f"{info['display_name']}: ")
    assert message.count(info["display_name"]) == 1
    nans = [name.replace("_", " ") for name, value in inputs.items() if value is nan or name == first]
    assert any(name in message.replace("_", " ") for name in nans) or "a float is no loss" in message
    assert "\n" not in message


def faces(graph: Graph, count: int) -> Slot:
    return [graph.add("DSG_LoadEmbeddedFaces", first=0, count=count), 0]


def three_references(graph: Graph, positive: Slot, batch: Batch) -> Slot:
    return loss(graph, "DSG_ColorizeLoss", positive, image=faces(graph, 3))


def three_where_masks(graph: Graph, positive: Slot, batch: Batch) -> Slot:
    where = [graph.add("DSG_RandomMask", image=faces(graph, 3), hidden=0.5, seed=0), 0]
    return loss(graph, "DSG_ColorizeLoss", positive, image=faces(graph, 2), where=where)


def of_another_pack(graph: Graph, positive: Slot, batch: Batch) -> Slot:
    return loss(graph, "DSG_ApplyLoss", positive, loss=[graph.add("Test_ImpossibleLoss", fails="fit"), 0])


@pytest.mark.parametrize("custom", [False, True], ids=["DSG KSampler", "SamplerCustom"])
@pytest.mark.parametrize(
    ("wire", "words"),
    [
        (three_references, f"Colorize Loss: 3 grey images {NUMBERS}"),
        (
            three_where_masks,
            f"Colorize Loss: 3 where masks {NUMBERS}",
        ),
        (of_another_pack, "Apply Loss (impossible): no picture is good enough; ask for less."),
    ],
    ids=["references", "where masks", "another pack's loss"],
)
def test_what_a_loss_finds_when_the_run_begins_is_said_with_its_own_node_s_name(host, wire, words, custom):
    run = Run(size=2, custom=custom)
    run.guide(wire)
    with pytest.raises(PromptError) as error:
        run.outcome(host)
    assert str(error.value) == words


def test_an_error_of_another_pack_s_is_said_with_the_loss_s_name(host):
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=1)
    applied = loss(graph, "DSG_ApplyLoss", [model, 1], loss=[graph.add("Test_ImpossibleLoss", fails="patchers"), 0])
    graph.add("PreviewAny", source=applied)
    message = said(host, graph)
    assert message.startswith("Apply Loss: the loss 'impossible' ended in an error of its own")
    assert "could not broadcast" in message


def test_what_the_run_itself_says_begins_with_the_pack_s_name(host):
    run = Run()
    run.guide()
    run.vae = [run.graph.add("VAELoader", vae_name="pixel_space"), 0]
    with pytest.raises(PromptError, match=r"^DSG: this VAE cannot make a picture"):
        run.outcome(host)
