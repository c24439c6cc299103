"""Train the embedded CLIP: faces of 64×64 pixels and their captions, on open_clip's own model and loss.

    python -m embedded.training.clip --data DIR --run DIR --minutes 20

What it writes in the end, the folder `faces/`, is what `open_clip.create_model("local-dir:…")` loads: the averaged
weights in half precision, the configuration and the tokenizer. `python -m embedded.evaluation.clip` measures it.
"""

import argparse
import json
from pathlib import Path

import open_clip
import torch
from kornia.filters import gaussian_blur2d
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import PreTrainedTokenizerFast

from embedded.evaluation.clip import evaluate
from embedded.face_data import FaceData
from embedded.training.loop import Run, train
from guidance_losses.networks.clip import load_clip

CONTEXT = 48  # tokens; the longest caption has 39
PADDING, BEGIN, UNKNOWN, END = "<padding>", "<begin>", "<unknown>", "<end>"
UNKNOWN_SHARE = 0.02  # of the words, so that a word that no caption has means nothing rather than something random
MEAN = STD = (0.5, 0.5, 0.5)

# Beside its caption a picture has short texts, so that one asked-for thing alone means something too.
PHRASES = {
    "style": "{} style",
    "skin": "{} skin",
    "hair_length": "{} hair",
    "hair_color": "{} hair",
    "beard": "{}",
    "eyewear": "{}",
    "garment": "{}",
    "clothes_color": "{} shirt",
    "mood": "{}",
    "background": "{} background",
}
ABSENT = {"beard": "no beard", "eyewear": "no glasses"}  # what else is `None` in the data is not said
BEFORE = ("", "a person, ", "a person with ")
ATTRIBUTES_EACH_STEP = 3

# Guidance shows the network estimates that are soft at first and a little noisy, and crops of them.
CROP_SHARE, SMALLEST_CROP = 0.6, 0.7  # of the side
BLUR_SHARE, WIDEST_BLUR = 0.5, 3.0  # standard deviation in pixels
NOISE_SHARE, STRONGEST_NOISE = 0.5, 0.1  # standard deviation, pictures in [0, 1]


def make_tokenizer(captions: list[str]) -> Tokenizer:
    """Words in lower case. The end token has the highest number, by which open_clip finds it."""
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(captions, trainers.WordLevelTrainer(special_tokens=[PADDING, BEGIN, UNKNOWN]))
    tokenizer.add_special_tokens([END])
    special = [(token, tokenizer.token_to_id(token)) for token in (BEGIN, END)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A {END}", special_tokens=special)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    names = {"pad_token": PADDING, "bos_token": BEGIN, "unk_token": UNKNOWN, "eos_token": END}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=CONTEXT, **names).save_pretrained(folder)
    settings = folder / "tokenizer_config.json"  # transformers 4 does not know the name that transformers 5 writes
    written = json.loads(settings.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    settings.write_text(json.dumps(written, indent=2) + "\n")


def configuration(words: int) -> dict:
    """What `open_clip_config.json` says, for a tokenizer of so many words."""
    vision = {"image_size": 64, "patch_size": 8, "width": 160, "layers": 5, "head_width": 32, "mlp_ratio": 2.0}
    text: dict[str, object] = {
        "context_length": CONTEXT,
        "vocab_size": words,
        "width": 128,
        "layers": 3,
        "heads": 4,
        "mlp_ratio": 2.0,
    }
    text["hf_tokenizer_name"] = "faces"  # any name: open_clip takes the tokenizer from the folder
    return {
        "model_cfg": {"embed_dim": 128, "vision_cfg": vision, "text_cfg": text},
        "preprocess_cfg": {"size": 64, "mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "squash"},
    }


def disturb(images: Tensor, generator: torch.Generator) -> Tensor:
    """Some of the pictures `[B, 3, H, W]` cropped and resized back, some blurred, some made noisy."""

    def amount(share: float, most: float) -> Tensor:
        """Uniform in [0, most] for a share of the pictures, 0 for the others: `[B, 1, 1, 1]`."""
        drawn, chosen = torch.rand(2, len(images), 1, 1, 1, generator=generator)
        return torch.where(chosen < share, most * drawn, 0)

    cut = amount(CROP_SHARE, 1 - SMALLEST_CROP).view(-1, 1, 1)
    corner = cut * (2 * torch.rand(len(images), 2, 1, generator=generator) - 1)
    window = torch.cat([(1 - cut) * torch.eye(2), corner], dim=2)
    grid = F.affine_grid(window, [*images.shape], align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    blur = amount(BLUR_SHARE, WIDEST_BLUR).view(-1, 1).clamp(min=0.01).expand(-1, 2)
    images = gaussian_blur2d(images, (17, 17), blur)
    return images + amount(NOISE_SHARE, STRONGEST_NOISE) * torch.randn(images.shape, generator=generator)


class Batches:
    """The pictures of a split with the tokens of their captions, and the short texts that are true of them."""

    def __init__(self, split: Path):
        self.data = FaceData(split)
        faces = self.data.faces
        captions = [face["caption"] for face in faces]
        self.labels, phrases = [], []
        for attribute, phrase in PHRASES.items():
            shown = [face[attribute] or ABSENT.get(attribute) for face in faces]
            values = sorted({value for value in shown if value})
            number = {value: index for index, value in enumerate(values)} | {None: -1}
            self.labels.append(torch.tensor([number[value] for value in shown]))
            phrases.append([[before + phrase.format(value) for value in values] for before in BEFORE])
        self.tokenizer = make_tokenizer(captions + [text for each in phrases for texts in each for text in texts])
        words = self.tokenizer.get_vocab()
        self.unknown, self.end = words[UNKNOWN], words[END]
        self.captions = self.tokens(captions)
        self.phrases = [[self.tokens(texts) for texts in each] for each in phrases]

    def tokens(self, texts: list[str]) -> Tensor:
        """`[T, CONTEXT]`."""
        rows = [torch.tensor(encoding.ids) for encoding in self.tokenizer.encode_batch(texts)]
        padding = self.tokenizer.token_to_id(PADDING)
        return torch.stack([F.pad(row, (0, CONTEXT - len(row)), value=padding) for row in rows])

    def pairs(self, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Normalised pictures `[B, 3, 64, 64]`, and the tokens of their captions `[B, CONTEXT]`."""
        tokens = self.captions[index]
        is_word = (tokens > self.unknown) & (tokens < self.end)
        lost = is_word & (torch.rand(tokens.shape, generator=generator) < UNKNOWN_SHARE)
        images = disturb(self.data.images(index), generator)
        return (images - MEAN[0]) / STD[0], tokens.masked_fill(lost, self.unknown)

    def short_texts(self, index: Tensor, generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """Of some attributes: the tokens of all values, `[K, CONTEXT]`, and which of them each picture has, `[B]`."""
        chosen = torch.randperm(len(PHRASES), generator=generator)[:ATTRIBUTES_EACH_STEP].tolist()
        before = torch.randint(len(BEFORE), (len(chosen),), generator=generator).tolist()
        return [(self.phrases[i][j], self.labels[i][index]) for i, j in zip(chosen, before)]


def phrase_loss(images: Tensor, texts: Tensor, labels: Tensor, scale: Tensor) -> Tensor:
    """The loss of CLIP where several pictures share a text: `images` `[B, D]`, `texts` `[K, D]`, of length 1.

    Args:
        labels: the number of each picture's text, `[B]`; pictures with −1 do not count.
    """
    known = labels >= 0
    logits = scale * images[known] @ texts.T
    true = F.one_hot(labels[known], len(texts)).float()
    said = true.sum(0) > 0
    share = true.T[said] / true.T[said].sum(1, keepdim=True)
    return (F.cross_entropy(logits, true) + F.cross_entropy(logits.T[said], share)) / 2


def main() -> None:
    run, options = Run.parse(argparse.ArgumentParser(description=__doc__), minutes=20, batch_size=64, peak=2e-3)
    batches = Batches(options.data / "train")
    config = configuration(batches.tokenizer.get_vocab_size())
    model = open_clip.CLIP(**config["model_cfg"])
    contrast = open_clip.ClipLoss()

    def loss(size: int, generator: torch.Generator) -> Tensor:
        index = torch.randint(len(batches.data), (size,), generator=generator)
        images, captions = batches.pairs(index, generator)
        short, labels = zip(*batches.short_texts(index, generator))
        # The plain attention's backward pass is the quicker one for so few tokens in half precision.
        with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            looks, told, scale = model(images, torch.cat([captions, *short]))
        scale = scale.clamp(max=100)  # the limit of the CLIP paper
        told, *phrases = told.float().split([size, *map(len, short)])
        alone = sum(phrase_loss(looks.float(), texts, which, scale) for texts, which in zip(phrases, labels))
        return contrast(looks.float(), told, scale) + alone / len(phrases)

    seen = train(model, loss, run)
    folder = run.folder / "faces"
    folder.mkdir(exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors", {"training_samples": str(seen)})
    save_tokenizer(batches.tokenizer, folder)
    print(f"{seen} samples, written to {folder}")
    for name, share in evaluate(load_clip(folder), FaceData(options.data / "test")).items():
        print(f"test {name}: {share:.4f}")


if __name__ == "__main__":
    main()
