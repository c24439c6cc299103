"""CLIP networks that users have: open_clip's folders and checkpoints. Nothing is ever downloaded.

CLIP: Radford et al. 2021, arXiv 2103.00020. open_clip: Cherti et al. 2023, arXiv 2212.07143.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from ..packages import needed_packages
from .file_kind import network_kind
from .weights_file import weight_names

CONFIGURATION = "open_clip_config.json"
FOLDER_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin")
SUFFIXES = (".safetensors", ".pt", ".bin")
WANTED = (
    "open_clip's safetensors of it, as timm/vit_base_patch32_clip_224.openai has on Hugging Face for OpenAI's ViT-B-32"
)
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's own


class ClipNetwork(nn.Module):
    """A CLIP that takes pictures of any size in [0, 1], and texts. Its weights take no gradient.

    A picture of another size or shape than the model's is stretched to it whole, without a crop.

    Args:
        model: open_clip's.
        tokenize: a text → its tokens, the begin and end tokens among them; of any length.
        tokenizer: texts → tokens `[T, context length]`.
        mean, std: what the model's pictures were normalised by, for each channel.

    Attributes:
        layers: the number of transformer blocks in the image tower; 0 if it is no vision transformer of open_clip's.
        context_length: the most tokens that a text may have, the begin and end tokens among them.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: Any,
        tokenize: Callable[[str], Sequence[int]],
        tokenizer: Callable[[list[str]], Tensor],
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
    ):
        from open_clip.transformer import VisionTransformer

        super().__init__()
        self.model = model
        self.tokenize, self.tokenizer = tokenize, tokenizer
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.layers = model.visual.transformer.layers if isinstance(model.visual, VisionTransformer) else 0
        self.context_length: int = model.context_length
        size = model.visual.image_size
        self.image_size = (size, size) if isinstance(size, int) else tuple(size)
        self.eval().requires_grad_(False)

    def encode_images(self, images: Tensor) -> Tensor:
        """`[B, 3, H, W]`, RGB in [0, 1] → features `[B, D]` of length 1."""
        return self.model.encode_image(self._prepared(images), normalize=True)

    def encode_texts(self, texts: list[str]) -> Tensor:
        """Texts → features `[T, D]` of length 1.

        Raises:
            InputError: in one sentence, if a text is longer than the model can read.
        """
        for text in texts:
            self.check_text(text)
        return self.model.encode_text(self.tokenizer(texts).to(self.mean.device), normalize=True)

    def check_text(self, text: str) -> None:
        """Raises InputError, in one sentence, if the text is longer than the model can read."""
        count = len(self.tokenize(text))
        if count > self.context_length:
            raise InputError(
                f"the text “{text[:30]}…” has {count} tokens, begin and end included, and this CLIP reads at most "
                f"{self.context_length}; shorten it."
            )

    def image_tokens(self, images: Tensor, layers: Sequence[int]) -> list[Tensor]:
        """What some blocks of the image tower give, one `[B, tokens, width]` a block, the class token dropped.

        Later blocks than the last of these are not computed.

        Args:
            images: `[B, 3, H, W]`, RGB in [0, 1].
            layers: the blocks' numbers, from 1 to `self.layers`, in any order.

        Raises:
            InputError: in one sentence, if the image tower is no vision transformer, or has no such block.
        """
        if not self.layers:
            kind = type(self.model.visual).__name__
            raise InputError(f"this CLIP's image tower ({kind}) has no transformer blocks to look into; use a ViT.")
        if not layers or min(layers) < 1 or max(layers) > self.layers:
            raise InputError(f"this CLIP's image tower has the blocks 1 to {self.layers}, not {[*layers]}.")
        blocks = sorted(set(layers))
        found = self.model.visual.forward_intermediates(
            self._prepared(images),
            indices=[block - 1 for block in blocks],
            stop_early=True,
            intermediates_only=True,
            output_fmt="NLC",
        )
        of_block = dict(zip(blocks, found["image_intermediates"]))
        return [of_block[block] for block in layers]

    def _prepared(self, images: Tensor) -> Tensor:
        if images.shape[-2:] != self.image_size:
            images = F.interpolate(images, self.image_size, mode="bicubic", antialias=True)
        return (images - self.mean) / self.std


def load_clip(path: Path, architecture: str | None = None) -> ClipNetwork:
    """Read a CLIP on the CPU, in single precision. No file makes any code run, and nothing is fetched.

    Args:
        path: a folder as open_clip writes it (`open_clip_config.json`, weights, and the tokenizer if it has its own),
            or a checkpoint: `.safetensors`, `.pt` or `.bin`.
        architecture: open_clip's name for what a checkpoint holds, one of `architectures()`; OpenAI's weights, and some
            others, are of the `-quickgelu` kind. Not used for a folder. A checkpoint's pictures are taken to be
            normalised as CLIP's own; a folder says how its pictures are.

    Raises:
        InputError: in one sentence, if the file is of another kind or the architecture not known.
    """
    return _load_folder(path) if path.is_dir() else _load_checkpoint(path, architecture)


def architectures() -> list[str]:
    """open_clip's names for what can be loaded from one file: its own image towers and its own tokenizer."""
    open_clip = _import_open_clip()
    return [name for name in open_clip.list_models() if _is_complete(open_clip.get_model_config(name))]


def _is_complete(config: dict[str, Any]) -> bool:
    """Whether open_clip builds all of it by itself, without another library's network or somebody's tokenizer."""
    return (
        set(config) <= {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu"}
        and "timm_model_name" not in config["vision_cfg"]
        and not {"hf_model_name", "hf_tokenizer_name"} & set(config["text_cfg"])
    )


def _load_checkpoint(path: Path, architecture: str | None) -> ClipNetwork:
    open_clip = _import_open_clip()
    if architecture not in architectures():
        raise InputError(
            f"{architecture} is no architecture that one file can hold; known are ViT-B-32, ViT-B-16, "
            "ViT-B-16-quickgelu, ViT-L-14, ViT-H-14, RN50 and others of open_clip's own."
        )
    model = open_clip.CLIP(**open_clip.get_model_config(architecture))
    _load_weights(model, path, architecture)
    return ClipNetwork(model, *_own_tokenizer(model.context_length, {}))


def _load_folder(folder: Path) -> ClipNetwork:
    open_clip = _import_open_clip()
    try:
        config = json.loads((folder / CONFIGURATION).read_text(encoding="utf-8"))
        text, vision = config["model_cfg"]["text_cfg"], config["model_cfg"]["vision_cfg"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder.name} is no open_clip folder: its {CONFIGURATION} cannot be read.") from error
    weights = next((folder / name for name in FOLDER_WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise InputError(f"{folder.name} holds no weights; one of {', '.join(FOLDER_WEIGHTS)} is needed.")
    if text.get("hf_model_name") or vision.get("timm_model_name") or "multimodal_cfg" in config["model_cfg"]:
        raise InputError(f"{folder.name} needs networks from outside open_clip, which are not supported.")
    tower = dict(config["model_cfg"])
    kind = open_clip.CustomTextCLIP if tower.pop("custom_text", False) else open_clip.CLIP
    try:
        model = kind(**tower)
    except (TypeError, ValueError) as error:
        raise InputError(f"{folder.name}: this open_clip cannot build what {CONFIGURATION} says ({error}).") from error
    _load_weights(model, weights, f"the model of {CONFIGURATION}")
    words = text.get("tokenizer_kwargs") or {}
    if text.get("hf_tokenizer_name"):
        tokenizers = _folder_tokenizer(folder, model.context_length, text.get("tokenizer_mode"), words)
    else:
        tokenizers = _own_tokenizer(model.context_length, words)
    pictures = config.get("preprocess_cfg", {})
    return ClipNetwork(model, *tokenizers, pictures.get("mean", MEAN), pictures.get("std", STD))


def _own_tokenizer(context_length: int, options: dict[str, Any]) -> tuple[Callable, Callable]:
    """open_clip's own tokenizer, byte pairs of English, whose words come with the package."""
    tokenizer = _import_open_clip().SimpleTokenizer(context_length=context_length, **options)
    return lambda text: [tokenizer.sot_token_id, *tokenizer.encode(text), tokenizer.eot_token_id], tokenizer


def _folder_tokenizer(
    folder: Path, context_length: int, mode: str | None, options: dict[str, Any]
) -> tuple[Callable, Callable]:
    """The Hugging Face tokenizer that lies in the folder."""
    from open_clip.tokenizer import HFTokenizer

    options = options | {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = HFTokenizer(str(folder), context_length, tokenizer_mode=mode, **options)
    except Exception as error:  # transformers has its own kinds of errors for each thing that is missing
        raise InputError(f"{folder.name} has no tokenizer that transformers can read.") from error
    return lambda text: tokenizer.tokenizer(tokenizer.clean_fn(text)).input_ids, tokenizer


def _load_weights(model: nn.Module, path: Path, what: str) -> None:
    """Fill a model from a checkpoint, as tensors only; `what` names the model in messages."""
    names = _weight_names(path)
    if not any(name.removeprefix("module.").startswith("visual.") for name in names):
        raise InputError(
            f"{path.name} is no open_clip checkpoint: it holds the weights of {network_kind(names)}; take {WANTED}."
        )
    try:
        _import_open_clip().load_checkpoint(model, str(path), weights_only=True)
    except (RuntimeError, AssertionError) as error:  # open_clip asserts some shapes
        raise InputError(f"{path.name} does not fit {what}; choose what it was trained as.") from error


def _weight_names(path: Path) -> list[str]:
    """The names in a checkpoint.

    open_clip's own reader tries again without `weights_only` when the first reading ends in a TypeError; so only a file
    that was read here goes there.

    Raises:
        InputError: if it is damaged, or holds anything but tensors and plain values.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path.name} is not a CLIP's checkpoint; these end in {', '.join(SUFFIXES)}.")
    try:
        return weight_names(path, WANTED)
    except InputError as error:
        raise InputError(f"{path.name} cannot be used as a CLIP: {error}.") from error


def _import_open_clip() -> ModuleType:
    with needed_packages():
        import open_clip
    return open_clip
