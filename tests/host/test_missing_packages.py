"""A ComfyUI without the packages that it may lack: the pack is there, and what cannot be done says what to install."""

from collections.abc import Iterator

import pytest

from tasks.wiring import Batch, Wire, deblurring, face_id, faces, inpainting, text
from tests.host.graphs import Run
from tests.test_repository import NODE_IDS
from tools.graph import Graph, Slot, loss
from tools.server import Client, PromptError, prepare_base, running_host

MISSING = ("kornia", "matplotlib", "onnx", "onnx2torch", "open_clip")
# Python runs a module of this name before all else. It hides the packages from whoever imports or looks for them.
HIDE = f"""
from importlib.machinery import PathFinder
found = PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in {MISSING} else found(name, path, target)
PathFinder.find_spec = find_spec
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Iterator[Client]:
    base = tmp_path_factory.mktemp("bare")
    prepare_base(base)
    (base / "hide").mkdir()
    (base / "hide" / "sitecustomize.py").write_text(HIDE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(base / "hide"))
        with running_host(base) as client:
            yield client


def colorizing(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    return loss(graph, "DSG_ColorizeLoss", conditioning, image=faces(graph, batch.people))


def run(host: Client, wire: Wire, report: bool = False) -> dict:
    """Two steps of a guided run, with its picture shown, or its report."""
    run = Run(steps=2)
    run.guide(wire)
    sampled = run.sampled()
    if report:
        run.graph.add("DSG_GuidanceReport", report=[sampled, 1])
    else:
        decoded = run.graph.add("VAEDecode", samples=[sampled, 0], vae=run.vae)
        run.graph.named("picture", "PreviewImage", images=[decoded, 0])
    return host.run(run.graph.nodes)


def test_all_nodes_are_there(bare):
    assert set(NODE_IDS) <= set(bare.get("/object_info").json())


def test_what_needs_none_of_them_runs(bare):
    assert run(bare, inpainting)["picture"]["images"]


@pytest.mark.parametrize(
    ("wire", "report", "node", "package"),
    [
        (text, False, "Load CLIP (open_clip)", "open-clip-torch"),
        (face_id, False, "Load Face Model", "onnx2torch"),
        (deblurring, False, "Blur Picture", "kornia"),
        (colorizing, False, "Colorize Loss", "kornia"),
        (inpainting, True, "Guidance Report", "matplotlib"),
    ],
)
def test_what_needs_one_says_which_and_how_to_install_it(bare, wire, report, node, package):
    with pytest.raises(PromptError) as refused:
        run(bare, wire, report)
    assert str(refused.value) == (
        f"{node}: this needs the package {package}, which is not installed; "
        f"run `pip install --upgrade {package}` with ComfyUI's Python."
    )
