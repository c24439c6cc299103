"""Networks are found in the host's own lists of folders: `extra_model_paths.yaml`, and what other packs add."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.comfyui import REPOSITORY
from tools.server import Client, PromptError, prepare_base, running_host

WEIGHTS = REPOSITORY / "embedded" / "weights"
EXTRA = """
another_drive:
    base_path: drive
    is_default: true
    text_encoders: encoders/
    clip_vision: vision
    insightface: insightface
    dsg_clip: clips
    dsg_segmentation: |
        segmenters
        one_segmenter
    dsg_face: people
    dsg_detection: detectors
"""
# From where in the pack's weights to where below the drive.
FILES = {
    "clip/faces": "clips/laion/mine",
    "clip/faces/open_clip_model.safetensors": ("encoders/sub/mine.safetensors", "vision/seen.safetensors"),
    "segmentation/faces": ("segmenters/mine", "one_segmenter"),
    "face/faces_irse.onnx": ("insightface/models/buffalo/w.onnx", "insightface/flat.onnx", "people/other.onnx"),
    "face/faces_irse.safetensors": ("detectors/detector.safetensors", "secret/hidden.safetensors"),
}
LATE = """
import folder_paths
from comfy_api.latest import ComfyExtension, io

class Late(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("Test_Late", category="test", inputs=[io.String.Input("folder")], is_output_node=True)

    @classmethod
    def execute(cls, folder):
        folder_paths.add_model_folder_path("insightface", folder)

class Pack(ComfyExtension):
    async def get_node_list(self):
        return [Late]

async def comfy_entrypoint():
    return Pack()
"""


@pytest.fixture(scope="module")
def drive(tmp_path_factory) -> Path:
    """A folder with models, far from the host's."""
    drive = tmp_path_factory.mktemp("elsewhere") / "drive"
    for source, targets in FILES.items():
        for target in [targets] if isinstance(targets, str) else targets:
            (drive / target).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (WEIGHTS / source).is_dir() else shutil.copy
            copy(WEIGHTS / source, drive / target)
    (drive.parent / "extra_model_paths.yaml").write_text(EXTRA)
    return drive


@pytest.fixture(scope="module")
def host(drive, tmp_path_factory) -> Iterator[Client]:
    base = tmp_path_factory.mktemp("base")
    prepare_base(base)
    (base / "custom_nodes" / "late.py").write_text(LATE)
    usual = base / "models" / "insightface" / "models" / "antelope"
    usual.mkdir(parents=True)
    shutil.copy(WEIGHTS / "face" / "faces_irse.onnx", usual / "w.onnx")
    with running_host(base, "--extra-model-paths-config", str(drive.parent / "extra_model_paths.yaml")) as client:
        yield client


def choices(host: Client, node: str, name: str) -> list[str]:
    kind, *options = host.get(f"/object_info/{node}").json()[node]["input"]["required"][name]
    return options[0]["options"] if kind == "COMBO" else kind


def load(host: Client, node: str, **inputs: str) -> None:
    host.run(
        {
            "load": {"class_type": node, "inputs": inputs},
            "show": {"class_type": "PreviewAny", "inputs": {"source": ["load", 0]}},
        }
    )


@pytest.mark.parametrize(
    ("node", "inputs"),
    [
        ("DSG_LoadCLIP", {"clip_name": "faces", "architecture": "from the folder"}),
        ("DSG_LoadCLIP", {"clip_name": "laion/mine", "architecture": "from the folder"}),
        ("DSG_LoadSegmentationModel", {"model_name": "mine"}),
        ("DSG_LoadSegmentationModel", {"model_name": "one_segmenter"}),
        *(
            ("DSG_LoadFaceModel", {"model_name": f"{name}.onnx"})
            for name in ("buffalo/w", "flat", "other", "antelope/w")
        ),
    ],
)
def test_a_network_is_listed_and_loaded_from_each_list(host, node, inputs):
    name, value = next(iter(inputs.items()))
    assert value in choices(host, node, name)
    load(host, node, **inputs)


@pytest.mark.parametrize(
    ("node", "name", "there"),
    [
        (
            "DSG_LoadCLIP",
            "clip_name",
            ["sub/mine.safetensors", "seen.safetensors", "faces/open_clip_model.safetensors"],
        ),
        ("DSG_LoadDetector", "model_name", ["detector.safetensors"]),
    ],
)
def test_single_files_are_listed(host, node, name, there):
    assert set(there) <= set(choices(host, node, name))


def test_a_folder_that_another_pack_adds_later_is_searched(host, tmp_path):
    assert "late.onnx" not in choices(host, "DSG_LoadFaceModel", "model_name")
    shutil.copy(WEIGHTS / "face" / "faces_irse.onnx", tmp_path / "late.onnx")
    host.run({"late": {"class_type": "Test_Late", "inputs": {"folder": str(tmp_path)}}})
    assert "late.onnx" in choices(host, "DSG_LoadFaceModel", "model_name")
    load(host, "DSG_LoadFaceModel", model_name="late.onnx")


@pytest.mark.parametrize("name", ["../secret/hidden.safetensors", "{drive}/secret/hidden.safetensors", "gone.onnx", ""])
def test_a_name_that_is_not_in_the_list_leads_nowhere(host, drive, name):
    name = name.format(drive=drive)
    with pytest.raises(PromptError, match=r"Load Face Model: there is no|Value not in list") as error:
        load(host, "DSG_LoadFaceModel", model_name=name)
    if "Value not in list" in str(error.value):  # newer hosts check what a drop-down gives themselves
        return
    assert str(drive / "people") in str(error.value)
    assert str(drive / "insightface") in str(error.value)
    assert "buffalo/w.onnx" in str(error.value)
