"""CLIPs are read from folders and files without a network or code, and give what open_clip itself gives."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from embedded.held_out import STYLES, held_out_faces
from guidance_losses.networks.clip import ClipNetwork, architectures, load_clip
from tools.comfyui import REPOSITORY

EMBEDDED = REPOSITORY / "embedded" / "weights" / "clip" / "faces"
SMALL = "ViT-S-32-alt"  # the smallest that open_clip knows


def pictures(height: int, width: int, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))


def random_model(architecture: str) -> nn.Module:
    """With weights that half precision holds exactly."""
    torch.manual_seed(0)
    model = open_clip.CLIP(**open_clip.get_model_config(architecture))
    return model.half().float().eval()


def half_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}


def write_folder(folder: Path, vision: dict, **others) -> Path:
    """A folder of open_clip with a tiny random model that uses open_clip's own words."""
    text = {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    model_cfg = {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text} | others
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model_cfg}))
    towers = {name: value for name, value in model_cfg.items() if name in ("embed_dim", "vision_cfg", "text_cfg")}
    save_file(open_clip.CLIP(**towers).state_dict(), folder / "open_clip_model.safetensors")
    return folder


TINY_VIT = {"image_size": 32, "patch_size": 8, "width": 16, "layers": 2, "head_width": 8}
TINY_RESNET = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8}


@pytest.fixture(scope="module")
def embedded() -> ClipNetwork:
    return load_clip(EMBEDDED)


@pytest.fixture(scope="module")
def vit_b_16() -> Iterator[tuple[nn.Module, Path]]:
    """open_clip's model, and a file with its weights."""
    model = random_model("ViT-B-16")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        save_file(half_weights(model), path)
        yield model, path


@pytest.fixture(scope="module")
def large(vit_b_16) -> ClipNetwork:
    """What is read from that file."""
    return load_clip(vit_b_16[1], "ViT-B-16")


@pytest.fixture(scope="module")
def small() -> nn.Module:
    return random_model(SMALL)


def test_a_full_size_model_from_a_file_gives_open_clip_s_features(vit_b_16, large):
    model, _ = vit_b_16
    images = pictures(224, 224)
    mean, std = (
        torch.tensor(each).view(3, 1, 1) for each in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    texts = ["a photo of a cat", "an oil painting"]
    with torch.no_grad():
        assert_close(large.encode_images(images), model.encode_image((images - mean) / std, normalize=True))
        tokens = open_clip.get_tokenizer("ViT-B-16")(texts)
        assert_close(large.encode_texts(texts), model.encode_text(tokens, normalize=True))


def test_tokens_are_those_that_leave_the_blocks_and_later_blocks_do_not_run(large):
    blocks = large.model.visual.transformer.resblocks
    left: dict[int, torch.Tensor] = {}
    hooks = [
        block.register_forward_hook(lambda _module, _inputs, output, number=number: left.update({number: output}))
        for number, block in enumerate(blocks, 1)
    ]
    with torch.no_grad():
        third, first = large.image_tokens(pictures(224, 224), [3, 1])
    assert sorted(left) == [1, 2, 3]
    assert third.shape == (2, 14 * 14, 768)
    assert_close(third, left[3][:, 1:])
    assert_close(first, left[1][:, 1:])
    with torch.no_grad():
        large.encode_images(pictures(224, 224))
    for hook in hooks:
        hook.remove()
    assert len(left) == large.layers == 12
    assert_close(third, left[3][:, 1:])


def test_the_embedded_one_gives_what_open_clip_gives(embedded):
    model = open_clip.create_model(f"local-dir:{EMBEDDED}").eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{EMBEDDED}")
    preprocess = model.visual.preprocess_cfg
    mean, std = (torch.tensor(preprocess[name]).view(3, 1, 1) for name in ("mean", "std"))
    images = pictures(64, 64)
    texts = ["A toon style portrait, glasses", "red hair", "a person in a zebra costume"]
    with torch.no_grad():
        assert_close(embedded.encode_images(images), model.encode_image((images - mean) / std, normalize=True))
        assert_close(embedded.encode_texts(texts), model.encode_text(tokenizer(texts), normalize=True))


def test_the_embedded_one_knows_the_style_of_faces_that_it_has_never_seen(embedded):
    faces = torch.from_numpy(held_out_faces()).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        texts = embedded.encode_texts([f"{style} style, a person with brown hair" for style in STYLES])
        found = (embedded.encode_images(faces) @ texts.T).argmax(1)
    right = found == torch.arange(len(faces)) % len(STYLES)
    assert right.float().mean() > 0.95


def test_the_embedded_one_loads_in_two_seconds(embedded):
    began = time.process_time()
    load_clip(EMBEDDED)
    assert time.process_time() - began < 2


def test_features_have_length_1_and_any_size_of_picture_is_taken(embedded):
    with torch.no_grad():
        features = [embedded.encode_images(pictures(*size)) for size in ((64, 64), (97, 33), (512, 768))]
        texts = embedded.encode_texts(["blue hair", ""])
    for each in [*features, texts]:
        assert each.shape == (2, 128)
        assert_close(each.norm(dim=1), torch.ones(2))


def test_a_larger_picture_of_the_same_face_has_almost_the_same_features(embedded):
    faces = torch.from_numpy(held_out_faces()[:8]).permute(0, 3, 1, 2) / 255
    larger = nn.functional.interpolate(faces, scale_factor=4, mode="bicubic", antialias=True)
    with torch.no_grad():
        similarity = (embedded.encode_images(faces) * embedded.encode_images(larger)).sum(1)
    assert similarity.min() > 0.99


@pytest.mark.parametrize("size", [(64, 64), (96, 40)])
def test_the_gradient_reaches_every_pixel_and_no_weight(embedded, size):
    images = pictures(*size).requires_grad_()
    target = embedded.encode_texts(["red hair"])
    (embedded.encode_images(images) @ target.T).sum().backward()
    gradient_of_features = images.grad.clone()
    images.grad = None
    (tokens,) = embedded.image_tokens(images, [2])
    tokens.square().sum().backward()
    for gradient in (gradient_of_features, images.grad):
        assert gradient.isfinite().all()
        assert (gradient.abs().amax(dim=1) > 0).all()
    assert not any(weight.requires_grad for weight in embedded.parameters())


def test_climbing_the_gradient_makes_a_picture_match_a_text(embedded):
    text = embedded.encode_texts(["a person with pink hair"])
    images = torch.from_numpy(held_out_faces()[:1]).permute(0, 3, 1, 2) / 255
    before = (embedded.encode_images(images) @ text.T).item()
    for _ in range(10):
        images = images.detach().requires_grad_()
        (gradient,) = torch.autograd.grad((embedded.encode_images(images) @ text.T).sum(), images)
        images = images + 0.5 * gradient / gradient.norm()
    assert (embedded.encode_images(images) @ text.T).item() > before + 0.1


@pytest.mark.parametrize("suffix", [".pt", ".bin"])
def test_a_training_checkpoint_with_prefixes_is_read(small, tmp_path, suffix):
    wrapped = {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in half_weights(small).items()}}
    path = tmp_path / f"epoch_3{suffix}"
    torch.save(wrapped, path)
    assert_close(load_clip(path, SMALL).model.state_dict(), small.state_dict())


def test_quickgelu_is_chosen_by_the_name(vit_b_16, large):
    """The weights are the same, the activation between them is not."""
    model, path = vit_b_16
    quick = load_clip(path, "ViT-B-16-quickgelu")
    assert_close(quick.model.state_dict(), model.state_dict())
    with torch.no_grad():
        (of_quick,), (of_plain,) = (each.image_tokens(pictures(224, 224), [1]) for each in (quick, large))
    assert 1e-4 < (of_quick - of_plain).abs().max() < 0.1


def test_architectures_are_those_of_open_clip_itself():
    known = set(architectures())
    assert {"ViT-B-16", "ViT-B-16-quickgelu", "ViT-L-14", "ViT-H-14", "RN50"} <= known < set(open_clip.list_models())


def test_a_folder_with_open_clip_s_own_words_is_read(tmp_path):
    network = load_clip(write_folder(tmp_path / "tiny", TINY_VIT))
    assert network.layers == 2
    assert network.encode_texts(["a cat"]).shape == (1, 8)
    assert [tokens.shape for tokens in network.image_tokens(pictures(32, 32), [2, 1, 2])] == [(2, 16, 16)] * 3


def test_a_text_that_is_too_long_is_refused_with_its_length(embedded, tmp_path):
    fits = " ".join(["red"] * (embedded.context_length - 2))
    embedded.encode_texts([fits])
    with pytest.raises(ValueError, match=r"has 49 tokens, .* at most 48; shorten it\.$"):
        embedded.encode_texts(["red", fits + " red"])
    network = load_clip(write_folder(tmp_path / "tiny", TINY_VIT))
    network.encode_texts([" ".join(["cat"] * 10)])
    with pytest.raises(ValueError, match=r"has 13 tokens, .* at most 12;"):
        network.encode_texts([" ".join(["cat"] * 11)])


@pytest.mark.parametrize("layers", [[], [0], [6], [1, 6], [-1]])
def test_blocks_that_do_not_exist_are_refused(embedded, layers):
    with pytest.raises(ValueError, match="has the blocks 1 to 5"):
        embedded.image_tokens(pictures(64, 64), layers)


def test_an_image_tower_without_blocks_gives_features_but_no_tokens(tmp_path):
    network = load_clip(write_folder(tmp_path / "resnet", TINY_RESNET))
    assert network.layers == 0
    assert network.encode_images(pictures(40, 40)).shape == (2, 8)
    with pytest.raises(ValueError, match=r"image tower \(ModifiedResNet\) has no transformer blocks"):
        network.image_tokens(pictures(32, 32), [1])


@pytest.mark.parametrize("architecture", [None, "", "ViT-Z-99", "ViT-B-16-SigLIP", "roberta-ViT-B-32", "coca_ViT-B-32"])
def test_an_architecture_that_one_file_cannot_hold_is_refused(tmp_path, architecture):
    with pytest.raises(ValueError, match=r"known are ViT-B-32, ViT-B-16, .*\.$"):
        load_clip(tmp_path / "weights.safetensors", architecture)


def test_files_of_another_kind_are_refused(small, tmp_path):
    def refused(path: Path, message: str, architecture: str = SMALL) -> None:
        with pytest.raises(ValueError, match=message) as caught:
            load_clip(path, architecture)
        assert path.name in str(caught.value)
        assert str(caught.value).endswith(".")

    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"no weights at all")
    refused(damaged, "is damaged")
    refused(tmp_path / "weights.npz", "checkpoint; these end in .safetensors, .pt, .bin")
    other = tmp_path / "other.safetensors"
    save_file({"vision_model.embeddings.weight": torch.zeros(1)}, other)
    refused(other, "is no open_clip checkpoint")
    text = tmp_path / "list.pt"
    torch.save([1, 2], text)
    refused(text, "holds no network's weights by their names")
    traced = tmp_path / "traced.pt"
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), traced)
    refused(traced, "holds more than weights")
    fitting = tmp_path / "small.safetensors"
    save_file(half_weights(small), fitting)
    refused(fitting, "does not fit ViT-B-32", "ViT-B-32")
    with pytest.raises(FileNotFoundError):
        load_clip(tmp_path / "missing.safetensors", SMALL)


class Writes:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "bad.pt"
    torch.save({"state_dict": {"visual.proj": Writes(tmp_path / "written")}}, path)
    with pytest.raises(ValueError, match="holds more than weights"):
        load_clip(path, SMALL)
    assert not (tmp_path / "written").exists()


def test_folders_of_another_kind_are_refused(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match=r"empty cannot be used as a CLIP: it is no open_clip folder"):
        load_clip(empty)
    folder = write_folder(tmp_path / "tiny", TINY_VIT)
    config = json.loads((folder / "open_clip_config.json").read_text())

    def refused(message: str, **changes) -> None:
        changed = config["model_cfg"] | {name: config["model_cfg"].get(name, {}) | new for name, new in changes.items()}
        (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": changed}))
        with pytest.raises(ValueError, match=message):
            load_clip(folder)

    refused("from outside open_clip", text_cfg={"hf_model_name": "roberta-base"})
    refused("from outside open_clip", vision_cfg={"timm_model_name": "hf-hub:somebody/something"})
    refused("from outside open_clip", multimodal_cfg={"layers": 1})
    refused("cannot build", vision_cfg={"depth_of_thought": 3})
    refused("does not fit the model", vision_cfg={"width": 24})
    refused("has no tokenizer", text_cfg={"hf_tokenizer_name": "bert-base-uncased"})
    (folder / "open_clip_model.safetensors").unlink()
    refused("holds no weights")


def test_loading_asks_no_network(small, tmp_path):
    path = tmp_path / "small.safetensors"
    save_file(half_weights(small), path)
    code = f"""
import socket
asked = []
def refuse(*arguments, **_):
    asked.append(arguments)
    raise OSError("no network here")
socket.socket.connect = socket.getaddrinfo = refuse
from pathlib import Path
from guidance_losses.networks.clip import load_clip
load_clip(Path({str(EMBEDDED)!r})).encode_texts(["red hair"])
load_clip(Path({str(path)!r}), {SMALL!r}).encode_texts(["red hair"])
assert not asked, asked
"""
    environment = os.environ | {"HF_HUB_OFFLINE": "0"}
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=environment, check=True)


def test_a_missing_open_clip_is_named(tmp_path):
    code = f"""
import sys
from pathlib import Path
sys.modules["open_clip"] = None  # as if it were not installed
from guidance_losses import InputError
from guidance_losses.networks.clip import load_clip
try:
    load_clip(Path({str(EMBEDDED)!r}))
except InputError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert run.stdout == (
        "this needs the package open-clip-torch, which is not installed; "
        "run `pip install --upgrade open-clip-torch` with ComfyUI's Python.\n"
    )
