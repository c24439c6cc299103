"""A CLIP in transformers' layout becomes open_clip's, and gives what transformers' own gives."""

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close
from transformers import CLIPConfig, CLIPModel

from guidance_losses import InputError
from guidance_losses.networks.clip import ClipNetwork, load_clip
from guidance_losses.networks.transformers_clip import as_open_clip

SMALL = "ViT-S-32-alt"  # the smallest that open_clip knows


@pytest.fixture(scope="module")
def published() -> CLIPModel:
    """transformers' network of the size that open_clip calls by that name, with random weights."""
    size = open_clip.get_model_config(SMALL)
    vision, text = size["vision_cfg"], size["text_cfg"]
    torch.manual_seed(0)
    config = CLIPConfig(
        projection_dim=size["embed_dim"],
        vision_config={
            "hidden_size": vision["width"],
            "intermediate_size": 4 * vision["width"],
            "num_hidden_layers": vision["layers"],
            "num_attention_heads": vision["width"] // 64,
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            "hidden_act": "gelu",
        },
        text_config={
            "hidden_size": text["width"],
            "intermediate_size": 4 * text["width"],
            "num_hidden_layers": text["layers"],
            "num_attention_heads": text["heads"],
            "vocab_size": text["vocab_size"],
            "max_position_embeddings": text["context_length"],
            "hidden_act": "gelu",
            "eos_token_id": text["vocab_size"] - 1,
        },
    )
    return CLIPModel(config).eval()


@pytest.fixture(scope="module")
def read(published, tmp_path_factory) -> ClipNetwork:
    path = tmp_path_factory.mktemp("clip") / "model.safetensors"
    weights = {name: weight.half().contiguous() for name, weight in published.state_dict().items()}
    table = {"text_model.embeddings.position_ids": torch.arange(77)[None]}  # older files have it
    save_file(weights | table, path)
    published.half().float()
    return load_clip(path, SMALL)


def features(output) -> torch.Tensor:
    """transformers gives them bare, or among others."""
    return output if isinstance(output, torch.Tensor) else output.pooler_output


@torch.no_grad()
def test_it_gives_the_features_that_transformers_gives(published, read):
    pictures = torch.rand(2, 3, *read.image_size)
    normalised = (pictures - read.mean) / read.std
    own = features(published.get_image_features(pixel_values=normalised))
    assert_close(read.encode_images(pictures), own / own.norm(dim=-1, keepdim=True), atol=1e-5, rtol=1e-4)
    texts = ["a lighthouse on a cliff", "a cat"]
    own = features(published.get_text_features(input_ids=read.tokenizer(texts)))
    assert_close(read.encode_texts(texts), own / own.norm(dim=-1, keepdim=True), atol=1e-5, rtol=1e-4)


def test_attention_that_lacks_a_part_is_refused():
    weights = {f"text_model.encoder.layers.0.self_attn.{part}_proj.weight": torch.zeros(2, 2) for part in "qk"}
    with pytest.raises(InputError, match="do not belong together"):
        as_open_clip(weights)
