"""CLIP networks that users have: open_clip's folders and checkpoints. Nothing is ever downloaded.

CLIP: Radford et al. 2021, arXiv 2103.00020. open_clip: Cherti et al. 2023, arXiv 2212.07143.
"""

import copy
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..input_error import InputError
from ..packages import needed_packages
from .configuration_file import check_numbers, is_triple, longest_side, read_json
from .file_kind import network_kind
from .model_file import loader, quoted
from .size_limits import build
from .tokenizer_files import NO_TOKENIZER, copy_tokenizer
from .transformers_clip import as_open_clip, is_of_transformers
from .weights_file import read_weights

CONFIGURATION = "open_clip_config.json"
FOLDER_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin")
SUFFIXES = (".safetensors", ".pt", ".bin")
WANTED = (
    "open_clip's safetensors of it, as timm/vit_base_patch32_clip_224.openai has on Hugging Face for OpenAI's ViT-B-32"
)
TOKENIZER_OPTIONS = {"clean", "strip_sep_token"}  # the others of open_clip name files, or fetch word lists
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
        return self.model.encode_image(prepared(images, self.image_size, self.mean, self.std), normalize=True)

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
            prepared(images, self.image_size, self.mean, self.std),
            indices=[block - 1 for block in blocks],
            stop_early=True,
            intermediates_only=True,
            output_fmt="NLC",
        )
        of_block = dict(zip(blocks, found["image_intermediates"]))
        return [of_block[block] for block in layers]


def prepared(images: Tensor, size: tuple[int, int], mean: Tensor, std: Tensor) -> Tensor:
    """Pictures `[B, 3, H, W]`, stretched to a size and normalised, as a CLIP's image tower takes them."""
    if images.shape[-2:] != size:
        images = F.interpolate(images, size, mode="bicubic", antialias=True)
    return (images - mean) / std


@loader("a CLIP")
def load_clip(path: Path, architecture: str | None = None) -> ClipNetwork:
    """Read a CLIP on the CPU, in single precision. No file makes any code run, and nothing is fetched.

    Args:
        path: a folder as open_clip writes it (`open_clip_config.json`, weights, and the tokenizer if it has its own),
            or a checkpoint: `.safetensors`, `.pt` or `.bin`, of open_clip's or transformers' CLIP.
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
            f"{quoted(architecture)} is no architecture that one file can hold; known are ViT-B-32, ViT-B-16, "
            "ViT-B-16-quickgelu, ViT-L-14, ViT-H-14, RN50 and others of open_clip's own"
        )
    weights = _read_checkpoint(path)
    refusal = f"it does not fit {architecture}; choose what it was trained as"
    settings = open_clip.get_model_config(architecture)
    try:
        model = build(lambda: open_clip.CLIP(**copy.deepcopy(settings)), weights)
    except InputError as error:
        raise InputError(refusal) from error
    _fill(model, weights, refusal)
    return ClipNetwork(model, *_own_tokenizer(model.context_length, {}))


def _load_folder(folder: Path) -> ClipNetwork:
    open_clip = _import_open_clip()
    try:
        config = read_json(folder / CONFIGURATION)
        towers = dict(config["model_cfg"])
        text, vision = dict(towers["text_cfg"]), dict(towers["vision_cfg"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = f": {error}" if isinstance(error, InputError) else ""
        raise InputError(f"it is no open_clip folder: its {CONFIGURATION} cannot be read{reason}") from error
    file = next((folder / name for name in FOLDER_WEIGHTS if (folder / name).is_file()), None)
    if file is None:
        raise InputError(f"it holds no weights; one of {', '.join(FOLDER_WEIGHTS)} is needed")
    if text.get("hf_model_name") or vision.get("timm_model_name") or "multimodal_cfg" in towers:
        raise InputError("it needs networks from outside open_clip, which are not supported")
    words = {name: text.pop(name, None) for name in ("hf_tokenizer_name", "tokenizer_mode", "tokenizer_kwargs")}
    towers |= {"text_cfg": text, "vision_cfg": vision}
    kind = open_clip.CustomTextCLIP if towers.pop("custom_text", False) else open_clip.CLIP
    weights = _read_checkpoint(file)
    check_numbers(towers, longest_side(weights), CONFIGURATION)
    try:
        model = build(lambda: kind(**copy.deepcopy(towers)), weights, _look)
    except InputError:
        raise
    except Exception as error:  # of each thing that it does not know, a kind of its own
        raise InputError(f"this open_clip cannot build what {CONFIGURATION} says; take {WANTED}") from error
    _fill(model, weights, f"its {file.name} does not fit the model of {CONFIGURATION}; take files that belong together")
    options = words["tokenizer_kwargs"] or {}
    if not isinstance(options, dict) or not set(options) <= TOKENIZER_OPTIONS:
        raise InputError(f"its tokenizer_kwargs are {quoted(options)}, and known are {', '.join(TOKENIZER_OPTIONS)}")
    if words["hf_tokenizer_name"]:
        tokenizers = _folder_tokenizer(folder, model.context_length, words["tokenizer_mode"], options)
    else:
        tokenizers = _own_tokenizer(model.context_length, options)
    pictures = config.get("preprocess_cfg", {})
    mean, std = pictures.get("mean", MEAN), pictures.get("std", STD)
    if not (is_triple(mean) and is_triple(std) and min(std) > 1e-6):
        raise InputError(f"its {CONFIGURATION} has no mean and deviation for three channels; take {WANTED}")
    return ClipNetwork(model, *tokenizers, mean, std)


def _look(model: Any) -> None:
    """Pass a picture and a text through a model, on whatever device is the default."""
    size = model.visual.image_size
    model.encode_image(torch.zeros(1, 3, *((size, size) if isinstance(size, int) else size)))
    model.encode_text(torch.zeros(1, model.context_length, dtype=torch.long))


def _own_tokenizer(context_length: int, options: dict[str, Any]) -> tuple[Callable, Callable]:
    """open_clip's own tokenizer, byte pairs of English, whose words come with the package."""
    tokenizer = _import_open_clip().SimpleTokenizer(context_length=context_length, **options)
    return lambda text: [tokenizer.sot_token_id, *tokenizer.encode(text), tokenizer.eot_token_id], tokenizer


def _folder_tokenizer(
    folder: Path, context_length: int, mode: Any, options: dict[str, Any]
) -> tuple[Callable, Callable]:
    """The Hugging Face tokenizer that lies in the folder."""
    from open_clip.tokenizer import HFTokenizer

    with tempfile.TemporaryDirectory() as place:
        copy_tokenizer(folder, Path(place))
        try:
            tokenizer = HFTokenizer(
                place, context_length, tokenizer_mode=mode, local_files_only=True, trust_remote_code=False, **options
            )
        except Exception as error:  # transformers has its own kinds of errors for each thing that is missing
            raise InputError(NO_TOKENIZER) from error
    return lambda text: tokenizer.tokenizer(tokenizer.clean_fn(text)).input_ids, tokenizer


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The weights in a checkpoint, by their names in open_clip.

    Raises:
        InputError: if it is damaged, or holds another network's, or anything but weights.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"it is not a CLIP's checkpoint; these end in {', '.join(SUFFIXES)}")
    weights = read_weights(path, WANTED)
    if next(iter(weights)).startswith("module."):
        weights = {name.removeprefix("module."): weight for name, weight in weights.items()}
    if is_of_transformers(weights):
        weights = as_open_clip(weights)
    if not any(name.startswith("visual.") for name in weights):
        raise InputError(
            f"it is no open_clip checkpoint: it holds the weights of {network_kind(weights)}; take {WANTED}"
        )
    return weights


def _fill(model: Any, weights: dict[str, Tensor], refusal: str) -> None:
    """Put weights into a model, as `open_clip.load_checkpoint` does, which reads files in its own way.

    Raises:
        InputError: the refusal, if they do not fit.
    """
    from open_clip.model import convert_to_custom_text_state_dict, resize_pos_embed, resize_text_pos_embed

    try:
        if "positional_embedding" in weights and not hasattr(model, "positional_embedding"):
            weights = convert_to_custom_text_state_dict(weights)
        if model.logit_bias is not None:
            weights = {"logit_bias": torch.zeros(())} | weights
        scales = {name: getattr(model, name) for name in ("logit_scale", "logit_bias") if name in weights}
        weights = weights | {name: weights[name].reshape(scale.shape) for name, scale in scales.items()}
        resize_pos_embed(weights, model)
        resize_text_pos_embed(weights, model)
        model.load_state_dict(weights)
    except Exception as error:  # open_clip asserts some shapes, and takes others as they come
        raise InputError(refusal) from error


def _import_open_clip() -> ModuleType:
    with needed_packages():
        import open_clip
    return open_clip
