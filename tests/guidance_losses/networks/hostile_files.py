"""Small files that each loader takes, and what strangers might make of them."""

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data
from safetensors.torch import load_file, save_file
from scrfd import RandomScrfd, export
from torch import nn
from transformers import (
    DPTConfig,
    DPTForDepthEstimation,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
)

from guidance_losses.networks.clip import load_clip
from guidance_losses.networks.csd import load_csd
from guidance_losses.networks.depth import load_depth_network
from guidance_losses.networks.face import load_face_network
from guidance_losses.networks.face_detector import load_face_detector
from guidance_losses.networks.irse import IRSE
from guidance_losses.networks.object_detector import load_object_detector
from guidance_losses.networks.pose import load_pose_network
from guidance_losses.networks.reward_head import load_reward_head
from guidance_losses.networks.segmentation import load_segmentation_network

LOADERS: dict[str, Callable[[Path], nn.Module]] = {
    "face": load_face_network,
    "face detector": load_face_detector,
    "object detector": lambda path: load_object_detector(path, "fcos_resnet50_fpn"),
    "segmentation": load_segmentation_network,
    "depth": load_depth_network,
    "pose": load_pose_network,
    "reward head": load_reward_head,
    "CSD": load_csd,
    "CLIP": lambda path: load_clip(path, "ViT-B-32"),
}
LONG = "A" * 5000  # of which little may come back in a message
OUTSIDE = "what is written in another folder"


# Files that loaders take


def write_face(path: Path) -> Path:
    torch.manual_seed(0)
    weights = IRSE([8, 8], [4], 8, 4).state_dict()
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=path.stem != "legacy")
    return path


def face_graph(*nodes: Any, weights: dict[str, np.ndarray] | None = None, side: int = 16, **options: Any) -> Any:
    """A recognition network: a convolution gives "a", some operators make "b" of it, and that is the embedding."""
    random = np.random.default_rng(0)
    kernel = random.normal(size=(8, 3, 16, 16)).astype(np.float32)
    weights = {"kernel": kernel, "shape": np.array([1, 8])} | (weights or {})
    middle = nodes or (helper.make_node("Relu", ["a"], ["b"]),)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["in0", "kernel"], ["a"]),
            *middle,
            helper.make_node("Reshape", ["b", "shape"], ["out0"]),
        ],
        "small",
        [helper.make_tensor_value_info("in0", TensorProto.FLOAT, (1, 3, side, side))],
        [helper.make_tensor_value_info("out0", TensorProto.FLOAT, (1, 8))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, **{"opset_imports": [helper.make_opsetid("", 13)], "ir_version": 7} | options)


def write_onnx(path: Path, model: Any = None) -> Path:
    path.write_bytes((model or face_graph()).SerializeToString())
    return path


def write_segmentation(folder: Path) -> Path:
    torch.manual_seed(0)
    small = {"hidden_sizes": [8] * 4, "num_attention_heads": [1] * 4, "depths": [1] * 4, "decoder_hidden_size": 8}
    names = {0: "wall", 1: "sky"}
    SegformerForSemanticSegmentation(SegformerConfig(**small, id2label=names)).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 32, "width": 32}}))
    return folder


def write_depth(folder: Path) -> Path:
    torch.manual_seed(0)
    small = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": 8}
    small |= {"image_size": 16, "patch_size": 8, "backbone_out_indices": [0, 1], "reassemble_factors": [2, 1]}
    small |= {"neck_hidden_sizes": [8, 8], "fusion_hidden_size": 8, "num_labels": 2}
    DPTForDepthEstimation(DPTConfig(**small)).save_pretrained(folder)
    prepared = {"size": {"height": 16, "width": 16}, "keep_aspect_ratio": False, "ensure_multiple_of": 8}
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder


def write_pose(folder: Path) -> Path:
    torch.manual_seed(0)
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "image_size": [16, 8]}
    backbone = VitPoseBackboneConfig(**small, patch_size=[8, 8], out_indices=[1])
    VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=2)).save_pretrained(folder)
    return folder


def write_clip(folder: Path) -> Path:
    """With a tokenizer of its own, of two words."""
    import open_clip
    from tokenizers import Tokenizer, models, pre_tokenizers

    torch.manual_seed(0)
    vision = {"image_size": 16, "patch_size": 8, "width": 16, "layers": 2, "head_width": 8}
    text = {"context_length": 8, "vocab_size": 8, "width": 16, "heads": 2, "layers": 1}
    folder.mkdir()
    config = {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text | {"hf_tokenizer_name": "own"}}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    save_file(open_clip.CLIP(8, vision, text).state_dict(), folder / "open_clip_model.safetensors")
    tokenizer = Tokenizer(models.WordLevel({"<unknown>": 0, "<padding>": 1, "red": 2}, unk_token="<unknown>"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<padding>", "unk_token": "<unknown>"}))
    return folder


def write_reward_head(path: Path) -> Path:
    torch.manual_seed(0)
    save_file(nn.Sequential(nn.Linear(8, 4), nn.Dropout(), nn.Linear(4, 1)).state_dict(), path)
    return path


def write_csd(path: Path) -> Path:
    from open_clip.transformer import VisionTransformer

    torch.manual_seed(0)
    tower = VisionTransformer(16, 8, 64, 2, 1, 4.0, output_dim=8).state_dict()
    style = {"last_layer_style": tower.pop("proj")}
    save_file({f"backbone.{name}": weight for name, weight in tower.items()} | style, path)
    return path


class Source(NamedTuple):
    """loader: one of `LOADERS`; name: of the file or folder; write: makes it; file: in the folder, if it is one."""

    loader: str
    name: str
    write: Callable[[Path], Path]
    file: str = ""


SOURCES = {
    "face .pth": Source("face", "face.pth", write_face),
    "face .pth of old": Source("face", "legacy.pth", write_face),
    "face .safetensors": Source("face", "face.safetensors", write_face),
    "face .onnx": Source("face", "face.onnx", write_onnx),
    "detector .onnx": Source("face detector", "det.onnx", lambda path: export(RandomScrfd(), path)),
    "segmentation weights": Source("segmentation", "seg", write_segmentation, "model.safetensors"),
    "segmentation config": Source("segmentation", "seg", write_segmentation, "config.json"),
    "segmentation preprocessor": Source("segmentation", "seg", write_segmentation, "preprocessor_config.json"),
    "depth config": Source("depth", "depth", write_depth, "config.json"),
    "depth preprocessor": Source("depth", "depth", write_depth, "preprocessor_config.json"),
    "pose config": Source("pose", "pose", write_pose, "config.json"),
    "reward head": Source("reward head", "head.safetensors", write_reward_head),
    "CSD": Source("CSD", "csd.safetensors", write_csd),
    "CLIP weights": Source("CLIP", "clip", write_clip, "open_clip_model.safetensors"),
    "CLIP config": Source("CLIP", "clip", write_clip, "open_clip_config.json"),
    "CLIP tokenizer": Source("CLIP", "clip", write_clip, "tokenizer.json"),
    "CLIP tokenizer config": Source("CLIP", "clip", write_clip, "tokenizer_config.json"),
}


# Attacks: each writes into an empty folder, and gives what is to be loaded


class Attack(NamedTuple):
    loader: str
    write: Callable[[Path], Path]
    loads: bool = False  # whether it does no harm and is simply loaded


ATTACKS: dict[str, Attack] = {}


def attack(*loaders: str, loads: bool = False) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    def add(write: Callable[[Path], Path]) -> Callable[[Path], Path]:
        for loader in loaders:
            ATTACKS[f"{loader}: {write.__name__.replace('_', ' ')}"] = Attack(loader, write, loads)
        return write

    return add


class Runs:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def zipped(path: Path, program: bytes, *storages: bytes, packed: bool = False) -> Path:
    """A file as torch.save's, of a program and storages of one's own."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", program)
        for key, storage in enumerate(storages):
            archive.writestr(f"archive/data/{key}", storage)
    return path


@attack("face", "object detector", "reward head", "CSD")
def a_pickle_that_runs_code(folder: Path) -> Path:
    torch.save({"visual.proj": Runs(folder / "ran")}, folder / "file.pth")
    return folder / "file.pth"


@attack("face", "object detector", "reward head", "CSD")
def a_bare_pickle_that_runs_code(folder: Path) -> Path:
    (folder / "file.pth").write_bytes(pickle.dumps({"visual.proj": Runs(folder / "ran")}))
    return folder / "file.pth"


@attack("face", "object detector", "reward head", "CSD")
def a_legacy_file_that_runs_code(folder: Path) -> Path:
    torch.save({"a": Runs(folder / "ran")}, folder / "file.pth", _use_new_zipfile_serialization=False)
    return folder / "file.pth"


@attack("CLIP")
def a_checkpoint_that_runs_code(folder: Path) -> Path:
    torch.save({"visual.proj": Runs(folder / "ran")}, folder / "file.pt")
    return folder / "file.pt"


@attack("face", "object detector", "reward head", "CSD")
def tensors_with_a_stride_of_0(folder: Path) -> Path:
    weights = {f"body.{i}.res_layer.1.weight": torch.zeros(1).expand(10**9) for i in range(4)}
    torch.save(weights, folder / "file.pth")
    return folder / "file.pth"


@attack("face", "object detector", "reward head", "CSD")
def many_views_of_one_storage(folder: Path) -> Path:
    one = torch.zeros(10**5)
    torch.save({f"body.{i}.weight": one for i in range(3000)}, folder / "file.pth")
    return folder / "file.pth"


@attack("face", "object detector", "reward head", "CSD")
def a_compressed_file(folder: Path) -> Path:
    torch.save({"input_layer.0.weight": torch.zeros(10**8, dtype=torch.uint8)}, folder / "whole.pth")
    packed = zipfile.ZipFile(folder / "file.pth", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(folder / "whole.pth") as whole, packed:
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
    (folder / "whole.pth").unlink()
    return folder / "file.pth"


@attack("face", "object detector")
def members_on_top_of_each_other(folder: Path) -> Path:
    """A directory that lists one member many times."""
    path = zipped(folder / "file.pth", b"\x80\x02}.", bytes(10**6))
    with zipfile.ZipFile(path, "a") as archive:
        (whole,) = (member for member in archive.infolist() if member.filename.endswith("/0"))
        for key in range(1, 2000):
            copy = zipfile.ZipInfo(f"archive/data/{key}")
            for part in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(copy, part, getattr(whole, part))
            archive.filelist.append(copy)
        archive._didModify = True
    return path


def program(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def text(value: str) -> bytes:
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


@attack("face")
def a_pickle_that_asks_for_memory(folder: Path) -> Path:
    return zipped(folder / "file.pth", program(b"\x96" + struct.pack("<Q", 10**11)))


@attack("face")
def a_pickle_that_makes_a_bytearray(folder: Path) -> Path:
    return zipped(
        folder / "file.pth", program(b"c__builtin__\nbytearray\n", b"J" + struct.pack("<i", 2**31 - 1), b"\x85R")
    )


@attack("face")
def a_pickle_nested_too_deep_to_hash(folder: Path) -> Path:
    return zipped(folder / "file.pth", program(b"}", b")", b"\x85" * 10**6, b"K\x01s"))


@attack("face")
def a_pickle_that_changes_what_reads_it(folder: Path) -> Path:
    target = b"ctorch._utils\n_rebuild_tensor_v2\n"
    return zipped(folder / "file.pth", program(target, b"}", text("__defaults__"), b"N", b"s", b"b"))


@attack("face")
def a_legacy_file_whose_storage_is_not_there(folder: Path) -> Path:
    torch.save({"input_layer.0.weight": torch.zeros(7)}, folder / "file.pth", _use_new_zipfile_serialization=False)
    content = (folder / "file.pth").read_bytes()
    (folder / "file.pth").write_bytes(content.replace(b"K\x07", b"J\xff\xff\xff\x7f", 1))
    return folder / "file.pth"


@attack("face", "object detector", "reward head", "CSD")
def names_that_are_numbers(folder: Path) -> Path:
    torch.save({7: torch.zeros(3)}, folder / "file.pth")
    return folder / "file.pth"


@attack("face", "object detector")
def weights_that_are_single_numbers(folder: Path) -> Path:
    names = ("input_layer.0.weight", "body.0.res_layer.1.weight", "output_layer.3.weight")
    save_file({name: torch.tensor(1.0) for name in names}, folder / "file.safetensors")
    return folder / "file.safetensors"


@attack("face", "object detector", "reward head", "CSD", "CLIP")
def weights_without_numbers_by_the_thousand(folder: Path) -> Path:
    weights = {f"body.{i}.res_layer.1.weight": torch.zeros(0, 3, 3, 3) for i in range(1500)}
    save_file(weights | {"visual.proj": torch.zeros(0)}, folder / "file.safetensors")
    return folder / "file.safetensors"


@attack("reward head", loads=True)
def layers_that_are_thin_and_wide(folder: Path) -> Path:
    """Multiplied from the beginning, they are a matrix of 12 GB."""
    widths = [40000, 1, 40000, 1]
    layers = {
        f"{i}.{part}": torch.zeros(shape)
        for i, (before, after) in enumerate(pairwise(widths))
        for part, shape in (("weight", (after, before)), ("bias", (after,)))
    }
    save_file(layers, folder / "file.safetensors")
    return folder / "file.safetensors"


@attack("face")
def thin_weights_of_a_wide_network(folder: Path) -> Path:
    """Tall kernels, of one channel each, for layers that are as wide as they are tall."""
    weights = {f"body.{i}.res_layer.1.weight": torch.zeros(40000, 1, 1, 1) for i in range(3)}
    ends = {"input_layer.0.weight": torch.zeros(40000, 1), "output_layer.3.weight": torch.zeros(1, 40000)}
    save_file(weights | ends, folder / "file.safetensors")
    return folder / "file.safetensors"


@attack("face")
def halvings_of_a_picture_without_end(folder: Path) -> Path:
    weights = {f"body.{i}.res_layer.1.weight": torch.zeros(1 + i % 2, 1) for i in range(300)}
    ends = {"input_layer.0.weight": torch.zeros(1, 1), "output_layer.3.weight": torch.zeros(1, 64)}
    save_file(weights | ends, folder / "file.safetensors")
    return folder / "file.safetensors"


@attack("face", "object detector", "reward head", "CSD", "CLIP")
def a_name_of_thousands_of_letters(folder: Path) -> Path:
    save_file({f"visual.{LONG}": torch.zeros(0)}, folder / "file.safetensors")
    return folder / "file.safetensors"


def safetensors(path: Path, header: bytes, length: int | None = None, content: bytes = b"") -> Path:
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + content)
    return path


@attack("face", "object detector", "CLIP")
def a_header_that_lies_of_its_length(folder: Path) -> Path:
    return safetensors(folder / "file.safetensors", b'{"a":{}}', 2**62)


@attack("face", "object detector", "reward head", "CSD", "CLIP")
def a_header_that_declares_what_is_not_there(folder: Path) -> Path:
    entry = {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}
    return safetensors(folder / "file.safetensors", json.dumps({"visual.proj": entry}).encode())


@attack("face", "object detector", "reward head", "CSD", "CLIP")
def a_nested_header(folder: Path) -> Path:
    return safetensors(folder / "file.safetensors", b'{"a":' + b"[" * 10**5 + b"]" * 10**5 + b"}")


@attack("face", "object detector", "reward head", "CSD")
def a_link_to_another_folder(folder: Path) -> Path:
    outside = folder.parent / "outside"
    write_face(outside / "face.pth")
    (folder / "file.pth").symlink_to(outside / "face.pth")
    return folder / "file.pth"


@attack("face", "object detector", "reward head", "CSD")
def a_device(folder: Path) -> Path:
    (folder / "file.pth").symlink_to("/dev/zero")
    return folder / "file.pth"


@attack("face", "object detector", "reward head", "CSD")
def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "file.safetensors")
    return folder / "file.safetensors"


# ONNX


def onnx_attack(make: Callable[[], Any], name: str, loads: bool = False) -> None:
    ATTACKS[f"face: {name}"] = Attack("face", lambda folder: write_onnx(folder / "face.onnx", make()), loads)


def grown(*nodes: Any, **weights: Any) -> Callable[[], Any]:
    """A graph in which some operators give a "big", of which one number is added to the picture's."""
    sum_up = [
        helper.make_node("ReduceMax", ["big"], ["small"], keepdims=0),
        helper.make_node("Add", ["a", "small"], ["b"]),
    ]
    return lambda: face_graph(*nodes, *sum_up, weights={name: np.array(value) for name, value in weights.items()})


def subgraph(operator: str, attribute: str, *inputs: str) -> Callable[[], Any]:
    body = helper.make_graph([], "body", [], [])
    return lambda: face_graph(helper.make_node(operator, inputs or ["a"], ["b"], **{attribute: body}))


def doubled() -> Any:
    nodes = [helper.make_node("Concat", [f"x{i}"] * 2, [f"x{i + 1}"], axis=1) for i in range(40)]
    first = helper.make_node("Identity", ["a"], ["x0"])
    return grown(first, *nodes, helper.make_node("Identity", ["x40"], ["big"]))()


def elsewhere(location: str) -> Callable[[], Any]:
    def make() -> Any:
        model = face_graph()
        set_external_data(model.graph.initializer[0], location=location)
        model.graph.initializer[0].ClearField("raw_data")
        return model

    return make


def declared(*dims: int) -> Callable[[], Any]:
    def make() -> Any:
        model = face_graph()
        model.graph.initializer[0].dims[:] = dims
        return model

    return make


def many_operators() -> Any:
    nodes = [helper.make_node("Relu", [f"x{i}"], [f"x{i + 1}"]) for i in range(30000)]
    return face_graph(helper.make_node("Relu", ["a"], ["x0"]), *nodes, helper.make_node("Relu", ["x30000"], ["b"]))


def with_function() -> Any:
    body = [helper.make_node("Relu", ["x"], ["y"])]
    function = helper.make_function("own", "F", ["x"], ["y"], body, [helper.make_opsetid("", 13)])
    sets = [helper.make_opsetid("", 13), helper.make_opsetid("own", 1)]
    node = helper.make_node("F", ["a"], ["b"], domain="own")
    return face_graph(node, functions=[function], opset_imports=sets, ir_version=8)


big_shape = helper.make_node("ConstantOfShape", ["size"], ["big"])
onnx_attack(lambda: face_graph(side=5000), "an enormous picture")
onnx_attack(lambda: face_graph(side=1024), "a large picture")
onnx_attack(grown(big_shape, size=[40000, 40000]), "a constant of an enormous shape")
onnx_attack(grown(helper.make_node("Expand", ["a", "size"], ["big"]), size=[1, 8, 40000, 40000]), "an expansion")
onnx_attack(grown(helper.make_node("Tile", ["a", "size"], ["big"]), size=[1, 8, 40000, 40000]), "a repetition")
onnx_attack(grown(helper.make_node("Range", ["zero", "end", "one"], ["big"]), zero=0, end=10**11, one=1), "a range")
onnx_attack(
    grown(helper.make_node("Resize", ["a", "", "by"], ["big"]), by=np.array([1, 1, 9e4, 9e4], np.float32)), "a scale"
)
onnx_attack(grown(helper.make_node("Pad", ["a", "by"], ["big"]), by=[0, 0, 0, 0, 0, 0, 10**6, 10**6]), "a margin")
onnx_attack(doubled, "doublings without end")
onnx_attack(subgraph("Loop", "body", "", "", "a"), "a loop")
onnx_attack(subgraph("Scan", "body"), "a scan")
onnx_attack(subgraph("If", "then_branch"), "a branch")
onnx_attack(with_function, "a function")
onnx_attack(elsewhere("../outside/secret"), "weights in another folder")
onnx_attack(elsewhere("/etc/hostname"), "weights in a file of the system")
onnx_attack(declared(10**6, 10**6), "weights that are not there")
onnx_attack(declared(10**9, 0, 1, 1), "no weights of a great length")
onnx_attack(declared(-1, 3), "weights of a negative length")
onnx_attack(many_operators, "operators by the ten thousand")
onnx_attack(lambda: face_graph(weights={"shape": np.array(8)}), "a shape that is a number")
onnx_attack(
    lambda: face_graph(opset_imports=[helper.make_opsetid("ai.onnx", 13)]), "the other name of ONNX", loads=True
)
onnx_attack(lambda: face_graph(opset_imports=[helper.make_opsetid("own", 13)]), "no version of ONNX")
onnx_attack(lambda: face_graph(helper.make_node(LONG, ["a"], ["b"])), "an operator of thousands of letters")
onnx_attack(
    lambda: face_graph(helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2**20, 2**20])), "an enormous kernel"
)


# Segmentation folders


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def segmentation_attack(name: str, change: Callable[[Path], Any], loads: bool = False) -> None:
    def write(folder: Path) -> Path:
        made = write_segmentation(folder / "seg")
        change(made)
        return made

    ATTACKS[f"segmentation: {name}"] = Attack("segmentation", write, loads)


def config(**values: Any) -> Callable[[Path], None]:
    return lambda folder: changed(folder / "config.json", **values)


def preprocessor(**values: Any) -> Callable[[Path], None]:
    return lambda folder: changed(folder / "preprocessor_config.json", **values)


def written(name: str, text: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_text(text)


def replaced_by_link(name: str, target: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        outside = folder.parent.parent / "outside"
        (folder / name).exists() and (folder / name).rename(outside / Path(name).name)
        (folder / name).symlink_to(target.format(outside=outside))

    return change


def replaced_by_pipe(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def weights_listed_elsewhere(folder: Path) -> None:
    """The list of a model's parts names files of another folder."""
    outside = folder.parent.parent / "outside"
    (folder / "model.safetensors").rename(outside / "model.safetensors")
    names = load_file(outside / "model.safetensors")
    listed = {"metadata": {}, "weight_map": dict.fromkeys(names, "../../outside/model.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(listed))
    save_file({"one": torch.zeros(1)}, folder / "model-00001-of-00002.safetensors")


def upernet(**values: Any) -> Callable[[Path], None]:
    kinds = {"model_type": "upernet", "architectures": ["UperNetForSemanticSegmentation"]}
    return config(**kinds, **values)


TIMM = {"model_type": "timm_backbone", "backbone": "resnet50", "use_pretrained_backbone": True}
for name, change in {
    "a depth of a million": config(depths=[10**6] * 4),
    "a depth of thousands": config(depths=[50000] * 4),
    "a width of thousands": config(hidden_sizes=[60000] * 4),
    "a hundred million classes": config(id2label=None, num_labels=10**8),
    "classes without numbers": config(id2label={"a": "b"}),
    "classes in a list": config(id2label=["a", "b"]),
    "more classes than it gives": config(id2label={str(i): LONG for i in range(3)}),
    "a pretrained backbone": upernet(backbone="resnet50", use_pretrained_backbone=True),
    "a backbone of timm": upernet(use_timm_backbone=True, backbone="resnet50"),
    "a backbone of timm by its description": upernet(backbone_config=TIMM),
    "a backbone of another repository": upernet(backbone="somebody/something"),
    "a backbone of nobody": upernet(backbone_config={"model_type": "unheard_of"}),
    "an enormous pooling": upernet(backbone_config=None, pool_scales=[60000]),
    "code in the folder": config(
        model_type="unheard_of", auto_map={"AutoModelForSemanticSegmentation": "somebody/something--code.Model"}
    ),
    "a kind that is no text": config(model_type=["segformer"]),
    "no kinds": config(architectures=5),
    "patches of nothing": config(patch_sizes=[0] * 4),
    "strides of nothing": config(strides=[0] * 4),
    "a negative width": config(hidden_sizes=[-8] * 4),
    "widths that are texts": config(hidden_sizes=[LONG] * 4),
    "a number beyond all": config(decoder_hidden_size=10**400),
    "no number": written("config.json", '{"architectures": ["XForSemanticSegmentation"], "a": NaN}'),
    "fifty megabytes of JSON": written("config.json", '{"a": [' + ",".join(["[[]]"] * 10**7) + "]}"),
    "nested JSON": written("config.json", '{"a":' * 10**5 + "1" + "}" * 10**5),
    "nested JSON that can be read": written("config.json", '{"a":' * 200 + "1" + "}" * 200),
    "a size of 0": preprocessor(size=0),
    "a size of a billion": preprocessor(size={"height": 10**9, "width": 10**9}),
    "an edge of a billion": preprocessor(size={"shortest_edge": 10**9}),
    "a size of texts": preprocessor(size=LONG),
    "a mean beyond all": preprocessor(image_mean=[1e300] * 3),
    "a deviation of almost nothing": preprocessor(image_std=[1e-300] * 3),
    "weights that are listed elsewhere": weights_listed_elsewhere,
    "weights behind a link": replaced_by_link("model.safetensors", "{outside}/model.safetensors"),
    "a description behind a link": replaced_by_link("config.json", "{outside}/config.json"),
    "a device for weights": replaced_by_link("model.safetensors", "/dev/zero"),
    "a device for a description": replaced_by_link("preprocessor_config.json", "/dev/zero"),
    "a pipe for weights": replaced_by_pipe("model.safetensors"),
    "a pipe for a description": replaced_by_pipe("preprocessor_config.json"),
}.items():
    segmentation_attack(name, change)
for name, change in {
    "results in another form": config(return_dict=False, output_hidden_states=True, use_return_dict=False),
    "kernels of a repository": config(attn_implementation="somebody/kernels", _attn_implementation="somebody/kernels"),
    "weights of another form": config(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
    "weights of another name": config(transformers_weights="../../outside/model.safetensors"),
    "code beside a known kind": config(auto_map={"AutoConfig": "somebody/something--code.Config"}),
    "an adapter": written("adapter_config.json", '{"base_model_name_or_path": "somebody/something"}'),
}.items():
    segmentation_attack(name, change, loads=True)


# CLIP folders


def clip_attack(name: str, change: Callable[[Path], Any], loads: bool = False) -> None:
    def write(folder: Path) -> Path:
        made = write_clip(folder / "clip")
        change(made)
        return made

    ATTACKS[f"CLIP: {name}"] = Attack("CLIP", write, loads)


def clip(part: str, **values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "open_clip_config.json"
        content = json.loads(path.read_text())
        (content["model_cfg"][part] if part else content["model_cfg"]).update(values)
        path.write_text(json.dumps(content))

    return change


def own_words(**options: Any) -> Callable[[Path], None]:
    secret = {
        name: value.format(outside="../outside") if isinstance(value, str) else value for name, value in options.items()
    }
    return clip("text_cfg", hf_tokenizer_name=None, tokenizer_kwargs=secret)


def growing_words(folder: Path) -> None:
    rules = json.loads((folder / "tokenizer.json").read_text())
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    rules["normalizer"] = {"type": "Sequence", "normalizers": [step] * 40}
    (folder / "tokenizer.json").write_text(json.dumps(rules))


def words_elsewhere(folder: Path) -> None:
    secret = str(folder.parent.parent / "outside" / "secret")
    changed(folder / "tokenizer_config.json", tokenizer_file=secret, vocab_file=secret, merges_file=secret)


for name, change in {
    "a context of thousands": clip("text_cfg", context_length=40000),
    "a million layers of text": clip("text_cfg", layers=10**6),
    "a million layers of vision": clip("vision_cfg", layers=10**6),
    "thousands of layers of vision": clip("vision_cfg", layers=50000),
    "a ResNet of millions": clip("vision_cfg", layers=[10**6] * 4),
    "words by the billion": clip("text_cfg", vocab_size=10**9),
    "an enormous picture": clip("vision_cfg", image_size=60000, pos_embed_type="sin_cos_2d"),
    "a picture of nothing": clip("vision_cfg", image_size=0),
    "patches of nothing": clip("vision_cfg", patch_size=0),
    "heads of nothing": clip("vision_cfg", head_width=0),
    "a width that is a text": clip("vision_cfg", width=LONG),
    "a setting of nobody": clip("vision_cfg", **{LONG: 1}),
    "an embedding of nothing": clip("", embed_dim=0),
    "a network of timm": clip("vision_cfg", timm_model_name="hf-hub:somebody/something", timm_model_pretrained=True),
    "a text network of another": clip("text_cfg", hf_model_name="somebody/something"),
    "words of another file": own_words(bpe_path="{outside}/secret"),
    "word lists of the network": own_words(reduction_mask="syntax"),
    "words of another repository": clip(
        "text_cfg", tokenizer_kwargs={"cache_dir": "../outside", "gguf_file": "secret"}
    ),
    "an unknown way to clean texts": own_words(clean=LONG),
    "words that are a list": clip("text_cfg", tokenizer_kwargs=[1]),
    "words that grow": growing_words,
    "words that are no rules": written("tokenizer.json", '{"model": {"type": "BPE"}}'),
    "nested words": written("tokenizer.json", "[" * 10**5),
    "a tokenizer behind a link": replaced_by_link("tokenizer.json", "{outside}/tokenizer.json"),
    "weights behind a link": replaced_by_link("open_clip_model.safetensors", "{outside}/open_clip_model.safetensors"),
    "a description behind a link": replaced_by_link("open_clip_config.json", "{outside}/open_clip_config.json"),
    "a pipe for a description": replaced_by_pipe("open_clip_config.json"),
    "a pipe for a tokenizer": replaced_by_pipe("tokenizer.json"),
    "nested JSON": written("open_clip_config.json", '{"model_cfg":' * 10**5),
    "no model": written("open_clip_config.json", '{"model_cfg": 3}'),
    "a mean of two": lambda folder: changed(folder / "open_clip_config.json", preprocess_cfg={"mean": [0.5, 0.5]}),
    "a preparation that is a list": lambda folder: changed(folder / "open_clip_config.json", preprocess_cfg=[1]),
}.items():
    clip_attack(name, change)
for name, change in {
    "words elsewhere": words_elsewhere,
    "words by somebody's code": lambda folder: changed(
        folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["somebody/something--code.T", None]}
    ),
    "words by another repository's name": clip("text_cfg", hf_tokenizer_name="somebody/something"),
}.items():
    clip_attack(name, change, loads=True)
