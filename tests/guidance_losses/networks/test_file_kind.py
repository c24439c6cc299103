"""Files that users have and that no loader can use: each loader says what such a file is and what to take."""

import io
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from onnx import helper
from safetensors.torch import save, save_file
from torch import nn

from guidance_losses.networks.clip import load_clip
from guidance_losses.networks.face import load_face_network
from guidance_losses.networks.face_detector import load_face_detector
from guidance_losses.networks.file_kind import file_kind, network_kind
from guidance_losses.networks.object_detector import load_object_detector
from guidance_losses.networks.segmentation import load_segmentation_network

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 605143316\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>Hugging Face</title>"
WEIGHTS = {"layer.weight": torch.zeros(16, 16)}


def saved(thing: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer, **options)
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("buffalo_l/det_10g.onnx", "a network")
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    return buffer.getvalue()


def onnx() -> bytes:
    return helper.make_model(helper.make_graph([], "nothing", [], [])).SerializeToString()


FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "TorchScript": (".pt", scripted, "it is TorchScript, a program"),
    "a pickle of a whole network": (".pth", lambda: saved(nn.Linear(2, 2)), "it holds more than weights"),
    "weights under another ending": (".safetensors", lambda: saved(WEIGHTS), "under another ending; rename it to .pth"),
    "old weights under another ending": (
        *(".safetensors", lambda: saved(WEIGHTS, _use_new_zipfile_serialization=False)),
        "under another ending; rename it to .pth",
    ),
    "safetensors under another ending": (".pth", lambda: save(WEIGHTS), "rename it to .safetensors"),
    "ONNX under another ending": (".safetensors", onnx, "an ONNX file under another ending; rename it to .onnx"),
    "GGUF": (".bin", lambda: b"GGUF\x03\0\0\0", "it is a GGUF file"),
    "HDF5": (".bin", lambda: b"\x89HDF\r\n\x1a\n\0\0\0", "it is an HDF5 file"),
    "a pointer": (".safetensors", lambda: POINTER, "a pointer of Git LFS"),
    "a page": (".safetensors", lambda: PAGE, "it is a web page"),
    "an answer": (".onnx", lambda: b"Access to model x/y is restricted.", "begins with “Access to model x/y is"),
    "nothing": (".pth", lambda: b"", "there is nothing in it"),
    "a zip": (".onnx", zipped, "it is a packed archive; unpack it"),
    "a tar": (".pth", tarred, "it is a packed archive; unpack it"),
    "half of safetensors": (".safetensors", lambda: save(WEIGHTS)[:-100], "its end is missing"),
    "the beginning of safetensors": (".safetensors", lambda: save(WEIGHTS)[:30], "its end is missing"),
    "half of a .pth": (".pth", lambda: saved(WEIGHTS)[:-100], "its end is missing"),
    "noise": (".pth", lambda: bytes(range(128, 256)), "it is damaged, or holds more than weights"),
}


def made(name: str, folder: Path) -> tuple[Path, str]:
    """One of `FILES`, and words that tell what it is."""
    suffix, content, words = FILES[name]
    path = folder / f"file{suffix}"
    path.write_bytes(content())
    return path, words


@pytest.mark.parametrize("name", FILES)
def test_each_kind_is_told(tmp_path, name):
    path, words = made(name, tmp_path)
    told = file_kind(path, "what is wanted")
    assert words in told
    assert told.startswith("it ")
    assert "; " in told  # what to do


LOADERS = {
    "CLIP": (lambda path: load_clip(path, "ViT-B-32"), (".safetensors", ".pt", ".bin")),
    "face": (load_face_network, (".onnx", ".safetensors", ".pth")),
    "face detector": (load_face_detector, (".onnx",)),
    "object detector": (lambda path: load_object_detector(path, "fcos_resnet50_fpn"), (".safetensors", ".pth")),
}


# Each loader with the files that it lists.
LISTED = [(loader, name) for loader, (_, endings) in LOADERS.items() for name in FILES if FILES[name][0] in endings]


@pytest.mark.parametrize(("loader", "name"), LISTED)
def test_each_loader_says_so(tmp_path, loader, name):
    path, words = made(name, tmp_path)
    load, _ = LOADERS[loader]
    with pytest.raises(ValueError, match=rf"^{path.name} cannot be used as an? .*{re.escape(words)}.*\.$") as error:
        load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("content", "words"), [(POINTER, "Git LFS"), (PAGE, "web page"), (b"", "nothing in it")])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_segmentation_folder_says_so(tmp_path, name, content, words):
    (tmp_path / "config.json").write_text('{"architectures": ["SegformerForSemanticSegmentation"]}')
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} .*{words}.*\.$"):
        load_segmentation_network(tmp_path)


def test_a_file_of_torchscript_is_told_what_to_take(tmp_path):
    path = tmp_path / "ViT-B-32.pt"
    path.write_bytes(scripted())
    with pytest.raises(ValueError, match=r"TorchScript, a program.* take open_clip's safetensors .*openai"):
        load_clip(path, "ViT-B-32-quickgelu")


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("text_model.encoder.layers.0.mlp.fc1.weight", "the text half of a CLIP"),
        ("vision_model.embeddings.class_embedding", "a CLIP in the layout of transformers"),
        ("encoder.block.0.layer.0.SelfAttention.q.weight", "a T5 text encoder"),
        ("down_blocks.0.resnets.0.conv1.weight", "a diffusion model of diffusers"),
        ("module.visual.proj", "a CLIP of open_clip"),
        ("anything", "another one"),
    ],
)
def test_a_network_is_known_by_its_weights_names(tmp_path, name, network):
    assert network_kind(["unknown", name]) == network
    save_file({name: torch.zeros(1)}, tmp_path / "weights.safetensors")
    for loader in ("CLIP", "face", "object detector"):
        if (loader, network) != ("CLIP", "a CLIP of open_clip"):
            with pytest.raises(ValueError, match=rf"weights.safetensors .* {network}"):
                LOADERS[loader][0](tmp_path / "weights.safetensors")
