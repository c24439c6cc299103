"""What a file is that a loader cannot use, told by its first bytes and the names in it. Nothing in it is run.

People's folders hold such files: pages saved in place of a download, pointers that Git leaves, downloads that were cut
short, programs of TorchScript, one format under the ending of another, networks of another kind.
"""

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path

HEAD = 512  # bytes, which tell the kinds apart
CUT_SHORT = "it is damaged: its end is missing, as of a download that was cut short; download it again"
ARCHIVE = "it is a packed archive; unpack it"
OTHER_ENDING = "it is {} under another ending; rename it to {}"

# The beginnings of files and what these are; {wanted} is what the loader takes instead.
BEGINNINGS = (
    (b"version https://git-lfs", "it is a pointer of Git LFS, in place of the file itself; download that"),
    (b"GGUF", "it is a GGUF file, whose weights are quantized; take {wanted}"),
    (b"\x89HDF", "it is an HDF5 file, as Keras writes them; take {wanted}"),
    (b"\x1f\x8b", ARCHIVE),
    (b"7z\xbc\xaf", ARCHIVE),
    (b"Rar!", ARCHIVE),
)

# The beginnings of weights' names and the network that has them; the first that occurs counts.
NETWORKS = (
    ("lora_", "a LoRA"),
    ("model.diffusion_model.", "a whole diffusion checkpoint"),
    ("double_blocks.", "a diffusion model"),
    ("down_blocks.", "a diffusion model of diffusers"),
    ("encoder.down", "a VAE"),
    ("encoder.block.", "a T5 text encoder"),
    ("model.layers.", "a language model"),
    ("vision_model.", "a CLIP in the layout of transformers"),
    ("text_model.", "the text half of a CLIP"),
    ("visual.", "a CLIP of open_clip"),
    ("input_layer.", "a face recognition network"),
    ("segformer.", "a segmentation network"),
    ("rpn.", "an object detector"),
    ("head.", "an object detector"),
)


def file_kind(path: Path, wanted: str) -> str:
    """What a file is that its reader refused, and what to do: the end of a sentence, which begins with "it".

    Args:
        wanted: what the loader takes.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return "it is damaged: there is nothing in it; download it again"
    for beginning, kind in BEGINNINGS:
        if head.startswith(beginning):
            return kind.format(wanted=wanted)
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path, wanted)
    if head[8:9] == b"{":
        return _safetensors_kind(path)
    if head.startswith(b"\x80") and path.suffix in (".safetensors", ".onnx"):
        return OTHER_ENDING.format("a pickle of PyTorch's", ".pth")
    if head.startswith(b"\x08") and head[2:3] in (b"\x12", b":") and path.suffix != ".onnx":  # version, maker or graph
        return OTHER_ENDING.format("an ONNX file", ".onnx")
    text = head.decode("utf-8", errors="replace").strip("\ufeff \t\r\n")
    if text.lower().startswith(("<!doctype", "<html", "<head", "<?xml")):
        return "it is a web page, in place of the file behind it; download that"
    if "\ufffd" not in text[:-1] and text.replace("\n", "").isprintable():
        return f"it is damaged: it is a text that begins with “{' '.join(text[:40].split())}”; download it again"
    return f"it is damaged, or holds more than weights; take {wanted}"


def _zip_kind(path: Path, wanted: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return CUT_SHORT
    if "constants.pkl" in names:
        return f"it is TorchScript, a program, which holds more than weights and is never run; take {wanted}"
    if "data.pkl" not in names:
        return ARCHIVE
    if path.suffix in (".safetensors", ".onnx"):
        return OTHER_ENDING.format("a file of PyTorch's", ".pth")
    return f"it holds more than weights, which could be code and is never run; take {wanted}, or save its state_dict()"


def _safetensors_kind(path: Path) -> str:
    """Of a file that begins as safetensors do: with the length of a description in JSON, and that description."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        described = file.read(min(length, path.stat().st_size))
    try:
        weights = [entry for name, entry in json.loads(described).items() if name != "__metadata__"]
        end = max((weight["data_offsets"][1] for weight in weights), default=0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return CUT_SHORT  # in the midst of the description
    if path.stat().st_size >= 8 + length + end and path.suffix != ".safetensors":
        return OTHER_ENDING.format("a safetensors file", ".safetensors")
    return CUT_SHORT


def network_kind(names: Iterable[str]) -> str:
    """The network that has weights of these names."""
    own = [name.removeprefix("module.") for name in names]
    return next((network for start, network in NETWORKS if any(name.startswith(start) for name in own)), "another one")
