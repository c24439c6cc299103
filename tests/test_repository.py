"""What holds for the repository as a whole."""

import ast
import re
import subprocess
import sys

import pytest

from tools.host import REPOSITORY

NODES = sorted((REPOSITORY / "nodes").glob("*.py"))
NODE_IDS = sorted(set(re.findall(r'node_id="(DSG_\w+)"', "".join(path.read_text() for path in NODES))))

# What each room may import, beside the standard library.
ROOMS = {
    "sampling": {"torch", "numpy", "sampling"},
    "host": {
        "torch",
        "comfy",
        "comfy_execution",
        "latent_preview",
        "server",
        "guidance_losses",
        "sampling",
        "host",
    },
    "guidance_losses": {"torch", "torchvision", "kornia", "scipy", "guidance_losses"},
    "guidance_losses/networks": {
        "torch",
        "torchvision",
        "safetensors",
        "transformers",
        "open_clip",
        "onnx",
        "onnx2torch",
        "google",  # protobuf, which comes with onnx
        "guidance_losses/networks",
        "input_error",
    },
    "nodes": {
        "torch",
        "numpy",
        "matplotlib",
        "comfy",
        "comfy_api",
        "folder_paths",
        "nodes",
        "guidance_losses",
        "sampling",
        "host",
        "embedded",
    },
}


def imported_rooms(path, room: str) -> set[str]:
    """The top-level names that a module imports; a relative import counts as its room."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            outside = node.level == 2
            names.add((node.module or "").split(".")[0] if node.level != 1 else room)
            assert node.level <= 2, f"{path} reaches above the pack"
            assert not outside or node.module, f"{path} imports the pack itself"
    return names - sys.stdlib_module_names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room):
    for path in (REPOSITORY / room).glob("*.py"):
        assert imported_rooms(path, room) <= ROOMS[room], path


def test_sampling_and_losses_run_without_the_host():
    code = (
        "import sampling, guidance_losses, sys; assert not [name for name in sys.modules if name.startswith('comfy')]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_node_ids_are_the_published_ones():
    """Workflows name nodes by these ids for ever: add to this list, never change it."""
    assert NODE_IDS == [
        "DSG_ApplyLoss",
        "DSG_AutomaticGuidanceRate",
        "DSG_BlurPicture",
        "DSG_ColorizeLoss",
        "DSG_DeblurLoss",
        "DSG_FaceIDLoss",
        "DSG_GuidanceMethod",
        "DSG_GuidanceRateBlend",
        "DSG_GuidanceReport",
        "DSG_KSampler",
        "DSG_LandmarkLoss",
        "DSG_LoadCLIP",
        "DSG_LoadDetector",
        "DSG_LoadEmbeddedFaces",
        "DSG_LoadEmbeddedModel",
        "DSG_LoadFaceModel",
        "DSG_LoadSegmentationModel",
        "DSG_MaskLoss",
        "DSG_ObjectLoss",
        "DSG_PaletteLoss",
        "DSG_RandomMask",
        "DSG_Sampler",
        "DSG_SegmentPicture",
        "DSG_SegmentationLoss",
        "DSG_ShrinkPicture",
        "DSG_SketchLoss",
        "DSG_StyleLoss",
        "DSG_SuperResolutionLoss",
        "DSG_TextLoss",
    ]


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_each_node_has_a_help_page(node_id):
    assert (REPOSITORY / "web" / "docs" / f"{node_id}.md").read_text(encoding="utf-8").startswith("# ")


def test_torch_is_no_dependency_of_ours():
    """The user's ComfyUI has one, for their card."""
    for name in ("requirements.txt", "pyproject.toml"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert not re.search(r'^\s*"?torch[>=<~"\s]', text, re.MULTILINE)
