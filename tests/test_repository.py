"""What holds for the repository as a whole."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tools.comfyui import REPOSITORY

NODES = sorted((REPOSITORY / "nodes").glob("*.py"))
NODE_IDS = sorted(set(re.findall(r'node_id="(DSG_\w+)"', "".join(path.read_text() for path in NODES))))

# What each room may import of the other ones: the arrows of the house, which lead forward only.
ROOMS = {
    "sampling": set(),
    "guidance_losses": set(),
    "host": {"guidance_losses", "sampling"},
    "tools": set(),
    "embedded": {"guidance_losses", "tools"},
    "nodes": {"guidance_losses", "sampling", "host", "embedded"},
    "example_pack": set(),
    "tasks": {"embedded", "guidance_losses", "tools"},
    "benchmarks": {"embedded", "guidance_losses", "sampling", "tasks", "tools"},
    "tests": {"benchmarks", "embedded", "guidance_losses", "sampling", "tasks", "tools"},
}
# What the rooms that a user's ComfyUI loads may import of others' packages, beside the standard library.
PACKAGES = {
    "sampling": {"torch", "numpy"},
    "guidance_losses": {"torch", "torchvision", "kornia", "scipy", "segno"},
    "guidance_losses.networks": {
        "torch",
        "torchvision",
        "safetensors",
        "transformers",
        "tokenizers",  # which comes with transformers
        "open_clip",
        "onnx",
        "onnx2torch",
        "google",  # protobuf, which comes with onnx
    },
    "host": {"torch", "aiohttp", "comfy", "comfy_execution", "folder_paths", "latent_preview", "server"},
    "nodes": {"torch", "numpy", "matplotlib", "PIL", "comfy", "comfy_api", "folder_paths"},
}


def module_files() -> dict[str, Path]:
    """Dotted name → file, of all Python files of the repository, as its root sees them."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    files = [Path(line) for line in listed.stdout.splitlines() if len(Path(line).parts) > 1]
    return {".".join(file.with_suffix("").parts).removesuffix(".__init__"): file for file in files}


MODULES = module_files()


def imported(module: str) -> tuple[set[str], set[str]]:
    """The modules of ours that one imports, and the other packages, but for the standard library's."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    ours, others = set(), set()
    for node in ast.walk(ast.parse((REPOSITORY / MODULES[module]).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            names = [f"{base}.{alias.name}" for alias in node.names] + [base]
        else:
            continue
        ours |= {name for name in names if name in MODULES}
        if not (isinstance(node, ast.ImportFrom) and node.level):
            others |= {name.split(".")[0] for name in names}
    return ours - {module}, others - sys.stdlib_module_names - {name.split(".")[0] for name in ours}


def room(module: str) -> str:
    return module.split(".")[0]


@pytest.mark.parametrize("name", ROOMS)
def test_arrows_between_rooms_lead_forward_only(name):
    for module in MODULES:
        if room(module) == name:
            assert {room(other) for other in imported(module)[0]} - {name} <= ROOMS[name], module


def test_every_room_is_in_the_table_and_the_table_has_no_circle():
    assert {room(module) for module in MODULES} == set(ROOMS)
    assert list(TopologicalSorter(ROOMS).static_order())[-1] in ("nodes", "tests")


def test_no_module_imports_itself_by_way_of_others():
    TopologicalSorter({module: imported(module)[0] for module in MODULES}).prepare()


def test_gradients_through_networks_know_nothing_of_guidance():
    for module in MODULES:
        if module.startswith("sampling.differentiation"):
            beside = {name for name in imported(module)[0] if not name.startswith("sampling.differentiation")}
            assert beside <= {"sampling.per_sample"}, module


def test_host_tests_measure_without_the_benchmarks():
    for module in MODULES:
        if module.startswith("tests.host"):
            assert "benchmarks" not in {room(name) for name in imported(module)[0]}, module


@pytest.mark.parametrize("name", PACKAGES)
def test_a_room_uses_only_the_packages_that_it_may(name):
    for module in MODULES:
        owner = max((owner for owner in PACKAGES if f"{module}.".startswith(f"{owner}.")), key=len, default=None)
        if owner == name:
            assert imported(module)[1] <= PACKAGES[name], module


def test_each_loader_of_a_network_passes_the_border_of_files():
    """A new loader gets its refusals in one sentence from there, and opens files by the readers alone."""
    readers = {"configuration_file", "file_kind", "onnx_file", "pth_file", "tokenizer_files", "weights_file"}
    calls = ["open", "read_text", "read_bytes", r"torch\.load", "load_file", "safe_open", "load_checkpoint"]
    opens = rf"\b({'|'.join(calls)})\(|from_pretrained\((?!\s*None)"
    for module, file in MODULES.items():
        if not module.startswith("guidance_losses.networks"):
            continue
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        for function in ast.parse(text).body:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("load_"):
                assert [ast.unparse(decorator).partition("(")[0] for decorator in function.decorator_list] == ["loader"]
        assert module.rpartition(".")[2] in readers or not re.search(opens, text), module


def test_what_a_users_comfyui_loads_needs_no_tools():
    waiting, loaded = [module for module in MODULES if room(module) == "nodes"], set()
    while waiting:
        module = waiting.pop()
        loaded.add(module)
        waiting += imported(module)[0] - loaded
    assert {room(module) for module in loaded} == {"nodes", "host", "guidance_losses", "sampling", "embedded"}


def test_sampling_and_losses_run_without_the_host_and_read_large_libraries_when_they_are_needed():
    code = (
        "import sampling, guidance_losses, guidance_losses.networks.segmentation, guidance_losses.networks.clip, sys;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    loaded = run.stdout.split()
    assert "torch" in loaded
    assert not [name for name in loaded if name in ("comfy", "transformers", "open_clip", "kornia", "matplotlib")]


def test_node_ids_are_the_published_ones():
    """Workflows name nodes by these ids for ever: add to this list, never change it."""
    assert NODE_IDS == [
        "DSG_AdjustmentLoss",
        "DSG_ApplyLoss",
        "DSG_AutomaticGuidanceRate",
        "DSG_BestNoise",
        "DSG_BlurPicture",
        "DSG_ClassifierLoss",
        "DSG_ColorLoss",
        "DSG_ColorizeLoss",
        "DSG_DeblurLoss",
        "DSG_DepthLoss",
        "DSG_FaceIDLoss",
        "DSG_GuidanceMethod",
        "DSG_GuidanceRateBlend",
        "DSG_GuidanceReport",
        "DSG_GuidedFrames",
        "DSG_KSampler",
        "DSG_LandmarkLoss",
        "DSG_LoadCLIP",
        "DSG_LoadCSD",
        "DSG_LoadClassifier",
        "DSG_LoadDepthModel",
        "DSG_LoadDetector",
        "DSG_LoadEmbeddedFaces",
        "DSG_LoadEmbeddedModel",
        "DSG_LoadFaceModel",
        "DSG_LoadPoseModel",
        "DSG_LoadRewardHead",
        "DSG_LoadSegmentationModel",
        "DSG_LoopLoss",
        "DSG_LossPreview",
        "DSG_MaskLoss",
        "DSG_ObjectLoss",
        "DSG_PaletteLoss",
        "DSG_PoseLoss",
        "DSG_QRCode",
        "DSG_QRLoss",
        "DSG_RandomMask",
        "DSG_RewardLoss",
        "DSG_Sampler",
        "DSG_SeamlessDecode",
        "DSG_SeamlessLoss",
        "DSG_SegmentPicture",
        "DSG_SegmentationLoss",
        "DSG_ShrinkPicture",
        "DSG_SimilarityLoss",
        "DSG_SketchLoss",
        "DSG_SmoothnessLoss",
        "DSG_StyleLoss",
        "DSG_SuperResolutionLoss",
        "DSG_SymmetryLoss",
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
