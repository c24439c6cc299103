"""Object location in the host: a detector from the user's folder guides, and wrong inputs give one sentence."""

import pytest
import torch
from torchvision.models import get_model

from tools.graph import Graph, Result, run, sample
from tools.server import Client, PromptError

ARCHITECTURE = "fasterrcnn_mobilenet_v3_large_320_fpn"
FILE = "random.pth"


@pytest.fixture(scope="module")
def file(base) -> None:
    """A detector of full size with random weights, among the user's models."""
    torch.manual_seed(0)
    folder = base / "models" / "dsg" / "detection"
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(get_model(ARCHITECTURE, weights=None, weights_backbone=None).state_dict(), folder / FILE)
    yield
    (folder / FILE).unlink()


def guided(host: Client, white: float = 1.0, masks: int = 1, architecture: str = ARCHITECTURE, **changes) -> Result:
    """Two pictures in three steps, with a box on the left. `changes`: inputs of the loss."""
    graph = Graph()
    model = graph.add("DSG_LoadEmbeddedModel", model_name="faces (flow matching)", style="any", batch_size=2)
    detector = graph.add("DSG_LoadDetector", model_name=FILE, architecture=architecture)
    black = graph.add("SolidMask", value=0.0, width=64, height=64)
    box = graph.add("SolidMask", value=white, width=24, height=48)
    drawn = graph.add("MaskComposite", destination=[black, 0], source=[box, 0], x=4, y=8, operation="add")
    image = [graph.add("MaskToImage", mask=[drawn, 0]), 0]
    repeated = graph.add("RepeatImageBatch", image=image, amount=masks)
    mask = graph.add("ImageToMask", image=[repeated, 0], channel="red")
    inputs = {"conditioning": [model, 1], "model": [detector, 0], "mask": [mask, 0], "classes": "dog"}
    inputs |= {"boxes": "one for each mask", "weight": 1.0, "start_percent": 0.0, "end_percent": 1.0} | changes
    loss = graph.add("DSG_ObjectLoss", **inputs)
    return run(host, graph, *sample(graph, model, [loss, 0], 0, 3, guidance_rate=0.2))


def test_the_embedded_detector_is_in_the_list_and_a_missing_file_is_said_with_its_folder(host):
    options = host.get("/object_info/DSG_LoadDetector").json()["DSG_LoadDetector"]["input"]["required"]["model_name"]
    assert "faces_fcos.safetensors" in str(options)
    graph = Graph()
    detector = graph.add("DSG_LoadDetector", model_name="mine.pth", architecture=ARCHITECTURE)
    graph.add("PreviewAny", source=[detector, 1])
    with pytest.raises(PromptError, match=r"Object Detector: there is no .* in .*/dsg/detection.*; there is .*fcos"):
        host.run(graph.nodes)


def test_a_detector_from_the_user_s_folder_guides(host, file):
    result = guided(host, masks=2, classes="dog, Person", boxes="one for each white region")
    losses = [step["losses"]["object location"] for step in result.report["steps"] if step["losses"]]
    assert losses
    assert all(0 < loss < 100 for both in losses for loss in both)
    assert result.report["skipped"] == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": "unicorn"}, ["Object Loss: the model has no class 'unicorn'; it has person, bicycle"]),
        ({"classes": "dog, cat"}, ["Object Loss: classes names 2 for 1 masks"]),
        ({"white": 0.0}, ["Object Loss: mask 1 is black everywhere"]),
        ({"architecture": "fcos_resnet50_fpn"}, [FILE, "not those of a fcos_resnet50_fpn"]),
    ],
)
def test_bad_input_is_one_sentence(host, file, changes, words):
    with pytest.raises(PromptError) as error:
        guided(host, **changes)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)
