"""Face networks give what their files hold, whatever the file, and pass gradients to the picture."""

import itertools
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from guidance_losses import InputError
from guidance_losses.networks.face import load_face_network
from guidance_losses.networks.irse import IRSE
from tools.comfyui import REPOSITORY
from tools.random_models import iresnet50, with_random_statistics

EMBEDDED = REPOSITORY / "embedded" / "weights" / "face" / "faces_irse.onnx"
Stages = list[tuple[int, int, int]]  # channels before and after, and the number of blocks
IR_SE_50: Stages = [(64, 64, 3), (64, 128, 4), (128, 256, 14), (256, 512, 3)]


def faces(batch: int, side: int) -> Tensor:
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(1))


def published_weights(stages: Stages, side: int, embedding: int, squeeze: bool) -> dict[str, Tensor]:
    """Random weights by the names and shapes of TreB1eN's `Backbone`, written from the published file's listing."""
    generator = torch.Generator().manual_seed(0)
    weights: dict[str, Tensor] = {}

    def normal(name: str, *shape: int) -> None:
        weights[name] = torch.randn(shape, generator=generator) * (2 / np.prod(shape[1:])) ** 0.5

    def normalisation(name: str, width: int) -> None:
        for part, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5), ("running_var", 0.5)):
            weights[f"{name}.{part}"] = low + torch.rand(width, generator=generator)
        weights[f"{name}.num_batches_tracked"] = torch.tensor(1000)

    first = stages[0][0]
    normal("input_layer.0.weight", first, 3, 3, 3)
    normalisation("input_layer.1", first)
    weights["input_layer.2.weight"] = torch.rand(first, generator=generator)
    number = itertools.count()
    for before, width, blocks in stages:
        for inputs in [before] + [width] * (blocks - 1):
            name = f"body.{next(number)}"
            if inputs != width:
                normal(f"{name}.shortcut_layer.0.weight", width, inputs, 1, 1)
                normalisation(f"{name}.shortcut_layer.1", width)
            normalisation(f"{name}.res_layer.0", inputs)
            normal(f"{name}.res_layer.1.weight", width, inputs, 3, 3)
            weights[f"{name}.res_layer.2.weight"] = torch.rand(width, generator=generator)
            normal(f"{name}.res_layer.3.weight", width, width, 3, 3)
            normalisation(f"{name}.res_layer.4", width)
            if squeeze:
                normal(f"{name}.res_layer.5.fc1.weight", width // 16, width, 1, 1)
                normal(f"{name}.res_layer.5.fc2.weight", width, width // 16, 1, 1)
    last = stages[-1][1]
    normalisation("output_layer.0", last)
    normal("output_layer.3.weight", embedding, last * side**2)
    weights["output_layer.3.bias"] = torch.zeros(embedding)
    normalisation("output_layer.4", embedding)
    return weights


def published_network(weights: dict[str, Tensor], stages: Stages, x: Tensor) -> Tensor:
    """What TreB1eN's `Backbone` computes, as formulas on its weights."""

    def normalise(x: Tensor, name: str) -> Tensor:
        parts = (weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts)

    x = F.conv2d(x, weights["input_layer.0.weight"], padding=1)
    x = F.prelu(normalise(x, "input_layer.1"), weights["input_layer.2.weight"])
    number = itertools.count()
    for before, width, blocks in stages:
        for inputs, stride in zip([before] + [width] * (blocks - 1), [2] + [1] * (blocks - 1)):
            name = f"body.{next(number)}"
            shortcut = x[:, :, ::stride, ::stride]
            if inputs != width:
                shortcut = F.conv2d(shortcut, weights[f"{name}.shortcut_layer.0.weight"])
                shortcut = normalise(shortcut, f"{name}.shortcut_layer.1")
            x = F.conv2d(normalise(x, f"{name}.res_layer.0"), weights[f"{name}.res_layer.1.weight"], padding=1)
            x = F.prelu(x, weights[f"{name}.res_layer.2.weight"])
            x = F.conv2d(x, weights[f"{name}.res_layer.3.weight"], stride=stride, padding=1)
            x = normalise(x, f"{name}.res_layer.4")
            if f"{name}.res_layer.5.fc1.weight" in weights:
                squeezed = F.conv2d(x.mean((2, 3), keepdim=True), weights[f"{name}.res_layer.5.fc1.weight"])
                x = x * F.conv2d(squeezed.relu(), weights[f"{name}.res_layer.5.fc2.weight"]).sigmoid()
            x = x + shortcut
    x = normalise(x, "output_layer.0").flatten(1)
    x = F.linear(x, weights["output_layer.3.weight"], weights["output_layer.3.bias"])
    return F.normalize(normalise(x, "output_layer.4"))


def small_onnx(path, nodes, weights=(), inputs=((1, 3, 16, 16),), outputs=((1, 8),)):
    """An ONNX file of a few operators."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(f"in{i}", TensorProto.FLOAT, shape) for i, shape in enumerate(inputs)],
        [helper.make_tensor_value_info(f"out{i}", TensorProto.FLOAT, shape) for i, shape in enumerate(outputs)],
        [numpy_helper.from_array(value, name) for name, value in weights],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), path)
    return path


def convolution_and(path, operator: str, shape=(1, 8), **attributes):
    """A recognition network with one more operator in it."""
    kernel = np.random.default_rng(0).normal(size=(8, 3, 16, 16)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["in0", "kernel"], ["a"]),
        helper.make_node(operator, ["a"], ["b"], **attributes),
        helper.make_node("Reshape", ["b", "shape"], ["out0"]),
    ]
    return small_onnx(path, nodes, [("kernel", kernel), ("shape", np.array(shape))], outputs=[shape])


@pytest.mark.parametrize("batch", [1, 3])
def test_the_embedded_file_gives_what_onnxruntime_gives(batch):
    images = faces(batch, 64)
    session = onnxruntime.InferenceSession(EMBEDDED)
    (raw,) = session.run(None, {session.get_inputs()[0].name: (2 * images - 1).numpy()})
    network = load_face_network(EMBEDDED)
    assert network.input_size == 64
    torch.testing.assert_close(network(images), F.normalize(torch.from_numpy(raw)), rtol=0, atol=1e-4)


def test_the_embedded_weights_and_the_embedded_onnx_are_one_network():
    images = faces(4, 64)
    weights = load_face_network(EMBEDDED.with_suffix(".safetensors"))
    torch.testing.assert_close(weights(images), load_face_network(EMBEDDED)(images), rtol=0, atol=1e-4)


def test_iresnet50_as_insightface_exports_it_takes_any_batch(tmp_path):
    original, path = iresnet50(), tmp_path / "w600k_r50.onnx"
    torch.onnx.export(original, (faces(1, 112),), path, opset_version=11, dynamo=False)
    network = load_face_network(path)
    assert network.input_size == 112
    for batch in (1, 3):
        images = faces(batch, 112)
        with torch.no_grad():
            expected = F.normalize(original(2 * images - 1))
        torch.testing.assert_close(network(images), expected, rtol=0, atol=1e-4)


def test_a_graph_traced_with_one_picture_by_today_s_exporter_takes_any_batch(tmp_path):
    original = with_random_statistics(IRSE([16, 16, 32], [4, 4], 32, 24))
    torch.onnx.export(original, (faces(1, 32),), tmp_path / "face.onnx", dynamo=True, external_data=False)
    images = faces(3, 32)
    expected = F.normalize(original(2 * images - 1))
    torch.testing.assert_close(load_face_network(tmp_path / "face.onnx")(images), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_ir_se_50_gives_what_its_published_code_gives(tmp_path, suffix):
    weights, path = published_weights(IR_SE_50, 7, 512, squeeze=True), tmp_path / f"model_ir_se50{suffix}"
    torch.save(weights, path) if suffix == ".pth" else save_file(weights, path)
    network, images = load_face_network(path), faces(2, 112)
    assert network.input_size == 112
    expected = published_network(weights, IR_SE_50, 2 * images - 1)
    torch.testing.assert_close(network(images), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("squeeze", [True, False])
def test_other_depths_and_sizes_load_by_the_same_code(tmp_path, squeeze):
    stages = [(16, 16, 2), (16, 48, 1), (48, 64, 3)]
    weights = published_weights(stages, 5, 32, squeeze)
    save_file({name: tensor.half() for name, tensor in weights.items()}, tmp_path / "face.safetensors")
    network, images = load_face_network(tmp_path / "face.safetensors"), faces(2, 40)
    assert network.input_size == 40
    rounded = {name: tensor.half().float() for name, tensor in weights.items()}
    expected = published_network(rounded, stages, 2 * images - 1)
    torch.testing.assert_close(network(images), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
@pytest.mark.parametrize("side", [40, 64, 150])
def test_gradient_reaches_every_part_of_the_picture_and_no_weight(suffix, side):
    network, images = load_face_network(EMBEDDED.with_suffix(suffix)), faces(2, side).requires_grad_()
    embeddings = network(images)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2))
    assert not torch.allclose(embeddings[0], embeddings[1])
    embeddings[:, 0].sum().backward()
    assert images.grad.isfinite().all()
    assert (images.grad.abs().sum(1) > 0).float().mean() > 0.9
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
def test_gradient_is_the_embedding_s_slope(suffix):
    network = load_face_network(EMBEDDED.with_suffix(suffix)).double()
    images = faces(1, 64).double().requires_grad_()
    direction = torch.randn(images.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (slope,) = torch.autograd.grad(network(images)[0, 0], images)
    with torch.no_grad():
        difference = network(images + 1e-6 * direction)[0, 0] - network(images - 1e-6 * direction)[0, 0]
    assert (slope * direction).sum().item() == pytest.approx(difference.item() / 2e-6, rel=1e-3)


def test_an_operator_that_cannot_be_converted_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"face.onnx cannot be used .* cannot convert the operator Shrink"):
        load_face_network(convolution_and(tmp_path / "face.onnx", "Shrink", lambd=0.1))


@pytest.mark.parametrize(
    ("shape", "message"), [((-1, 4), "for two faces it gives .4, 4. numbers"), ((8, 1), "does not run on two faces")]
)
def test_a_graph_that_is_not_for_many_faces_is_refused(tmp_path, shape, message):
    with pytest.raises(ValueError, match=message):
        load_face_network(convolution_and(tmp_path / "face.onnx", "Relu", shape))


def test_names_in_a_file_run_no_code(tmp_path):
    path = convolution_and(tmp_path / "face.onnx", "Relu")
    model = onnx.load(path)
    model.graph.node[1].name = f'"), open("{tmp_path}/ran", "w"), ("'
    onnx.save(model, path)
    assert load_face_network(path)(faces(3, 16)).shape == (3, 8)
    assert not (tmp_path / "ran").exists()


def test_weights_in_another_file_are_refused(tmp_path):
    model = onnx.load(convolution_and(tmp_path / "face.onnx", "Relu"))
    set_external_data(model.graph.initializer[0], location="../secret")
    (tmp_path / "face.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="keeps its weights in another file"):
        load_face_network(tmp_path / "face.onnx")


def test_landmark_networks_and_detectors_beside_it_are_refused(tmp_path):
    """insightface's folders hold them too."""
    landmarks = [
        helper.make_node("Sub", ["in0", "mean"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["out0"]),
    ]
    mean = ("mean", np.array([127.5], np.float32))
    path = small_onnx(tmp_path / "2d106det.onnx", landmarks, [mean], outputs=[(1, 3)])
    with pytest.raises(ValueError, match=r"2d106det.onnx .* no recognition network"):
        load_face_network(path)
    detector = [helper.make_node("Relu", ["in0"], [f"out{i}"]) for i in range(2)]
    path = small_onnx(tmp_path / "det_10g.onnx", detector, inputs=[(1, 3, "?", "?")], outputs=[(1, 3, "?", "?")] * 2)
    with pytest.raises(ValueError, match=r"det_10g.onnx .* not one square RGB picture"):
        load_face_network(path)


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors", ".pth"])
@pytest.mark.parametrize("kept", [0, 10, 0.5])
def test_a_truncated_file_is_refused(tmp_path, suffix, kept):
    whole, path = EMBEDDED.with_suffix(suffix), tmp_path / f"face{suffix}"
    if suffix == ".pth":
        whole = tmp_path / "whole.pth"
        torch.save(load_file(EMBEDDED.with_suffix(".safetensors")), whole)
    content = whole.read_bytes()
    path.write_bytes(content[: int(kept if kept != 0.5 else len(content) / 2)])
    with pytest.raises(ValueError, match=f"face{suffix} cannot be used as a face network: it is damaged"):
        load_face_network(path)


def test_weights_of_another_network_are_refused(tmp_path):
    of_another = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).state_dict()
    of_irse = IRSE([16, 16], [0], 8, 4).state_dict()
    missing = {name: tensor for name, tensor in of_irse.items() if name != "output_layer.0.weight"}
    misshapen = of_irse | {"output_layer.3.weight": torch.zeros(4, 16 * 15)}
    for number, weights in enumerate((of_another, missing, misshapen)):
        save_file(weights, tmp_path / f"{number}.safetensors")
        with pytest.raises(ValueError, match=f"{number}.safetensors cannot be used .* not the weights of an ArcFace"):
            load_face_network(tmp_path / f"{number}.safetensors")


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Code:
        def __reduce__(self):
            return (print, ("this must not run",))

    torch.save({"input_layer.0.weight": Code()}, tmp_path / "face.pth")
    with pytest.raises(ValueError, match="holds more than weights"):
        load_face_network(tmp_path / "face.pth")


def test_a_file_of_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"face.txt cannot be used .* is not a face network's file"):
        load_face_network(tmp_path / "face.txt")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx2torch", None)
    with pytest.raises(InputError, match="needs the package onnx2torch, which is not installed; run `pip install"):
        load_face_network(EMBEDDED)
