"""Hostile model files in a running host, which is not told to stay offline: a sentence each, no connection, no harm."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tools.comfyui import REPOSITORY
from tools.server import Client, PromptError

WEIGHTS = REPOSITORY / "embedded" / "weights"
TIMM = {"model_type": "timm_backbone", "backbone": "resnet50", "use_pretrained_backbone": True}
UPERNET = {"model_type": "upernet", "architectures": ["UperNetForSemanticSegmentation"]}
# What a stranger changes in a segmentation folder, and what is said of it.
CONFIGURATIONS = {
    "backbone": (UPERNET | {"backbone": "resnet50", "use_pretrained_backbone": True}, "is another network"),
    "timm": (UPERNET | {"backbone_config": TIMM}, "is another network"),
    "repository": (UPERNET | {"backbone": "somebody/something"}, "is another network"),
    "depths": ({"depths": [10**6] * 4}, "more than its weights are of"),
    "classes": ({"id2label": None, "num_labels": 10**8}, "more than its weights are of"),
}


def load(host: Client, node: str, **inputs: str) -> dict:
    show = {"class_type": "PreviewAny", "inputs": {"source": ["load", 0]}}
    return host.run({"load": {"class_type": node, "inputs": inputs}, "show": show})


def connections(host: Client) -> str:
    asked = {"class_type": "Test_Connections", "inputs": {"asked": int.from_bytes(os.urandom(3))}}
    shown = host.run({"asked": asked, "show": {"class_type": "PreviewAny", "inputs": {"source": ["asked", 0]}}})
    return shown["show"]["text"][0]


@pytest.fixture(scope="module")
def segmenters(base) -> Path:
    folder = base / "models" / "dsg" / "segmentation"
    for name, (changes, _) in CONFIGURATIONS.items():
        made = shutil.copytree(WEIGHTS / "segmentation" / "faces", folder / name)
        described = json.loads((made / "config.json").read_text())
        (made / "config.json").write_text(json.dumps(described | changes))
    return folder


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_hostile_folder_is_refused_in_a_sentence_that_names_the_node(host, segmenters, name):
    with pytest.raises(
        PromptError, match=rf"Load Segmentation Model: {name} cannot be used .*{CONFIGURATIONS[name][1]}"
    ):
        load(host, "DSG_LoadSegmentationModel", model_name=name)


def test_a_link_out_of_the_folders_of_models_is_refused_and_one_within_them_is_not(host, segmenters, tmp_path):
    elsewhere = shutil.copytree(WEIGHTS / "segmentation" / "faces", tmp_path / "elsewhere")
    (segmenters / "outside").symlink_to(elsewhere)
    inside = shutil.copytree(WEIGHTS / "segmentation" / "faces", segmenters.parent / "other" / "place")
    (segmenters / "inside").symlink_to(inside)
    with pytest.raises(PromptError, match="Load Segmentation Model: 'outside' cannot be used: it is a link"):
        load(host, "DSG_LoadSegmentationModel", model_name="outside")
    load(host, "DSG_LoadSegmentationModel", model_name="inside")


def test_the_host_has_tried_to_connect_to_nothing(host, segmenters):
    for name in CONFIGURATIONS:
        with pytest.raises(PromptError):
            load(host, "DSG_LoadSegmentationModel", model_name=name)
    load(host, "DSG_LoadSegmentationModel", model_name="faces")
    load(host, "DSG_LoadFaceModel", model_name="faces_irse.onnx")
    load(host, "DSG_LoadCLIP", clip_name="faces", architecture="from the folder")
    assert connections(host) == "none"
