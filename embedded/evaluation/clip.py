"""How well the embedded CLIP matches faces and captions that it has never seen.

    python -m embedded.evaluation.clip --data DIR

Chance is 3 % for the right one among 32. Captions leave much out, so that several of them may be true of a picture.
"""

import argparse
import json
from pathlib import Path

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from embedded.face_data import FaceData
from guidance_losses.networks.clip import ClipNetwork, load_clip
from tools.comfyui import REPOSITORY

FOLDER = REPOSITORY / "embedded" / "weights" / "clip" / "faces"
AMONG = 32
DRAWS = 256
BATCH = 256
BLUR, NOISE = 2.0, 0.05  # of the soft and noisy pictures: standard deviations, in pixels and of [0, 1]

PROMPTS = {
    "style": "a {} style portrait of a person",
    "hair_color": "a person with {} hair",
    "eyewear": "a person with {}",
    "clothes_color": "a person in a {} shirt",
    "background": "a person on a {} background",
}
ABSENT = {"eyewear": "no glasses"}  # pictures that show nothing of another attribute do not count


def matching(similarity: Tensor, groups: list[Tensor], people: Tensor, generator: torch.Generator) -> dict[str, float]:
    """Share of right matches among 32 pairs of different people, drawn many times from one of the groups each.

    Args:
        similarity: of each picture (rows) to each caption (columns), `[N, N]`.
        groups: the pictures' numbers, a tensor a group.
        people: who is on each picture, `[N]`.
    """
    right = {"caption of a picture": 0.0, "picture of a caption": 0.0}
    for draw in range(DRAWS):
        group = groups[draw % len(groups)]
        shuffled = group[torch.randperm(len(group), generator=generator)]
        one_of_each = {int(person): int(index) for index, person in zip(shuffled, people[shuffled])}
        chosen = torch.tensor(list(one_of_each.values())[:AMONG])
        among = similarity[chosen][:, chosen]
        truth = torch.arange(AMONG)
        right["caption of a picture"] += (among.argmax(1) == truth).float().mean().item() / DRAWS
        right["picture of a caption"] += (among.argmax(0) == truth).float().mean().item() / DRAWS
    return right


def zero_shot(network: ClipNetwork, features: Tensor, faces: list[dict]) -> dict[str, float]:
    """Accuracy for each attribute, by the most similar of the prompts for its classes.

    Args:
        features: of the pictures, `[N, D]`.
        faces: what is known about each.
    """
    accuracy = {}
    for name, prompt in PROMPTS.items():
        truth = [face[name] or ABSENT.get(name) for face in faces]
        classes = sorted({value for value in truth if value})
        found = (features @ network.encode_texts([prompt.format(value) for value in classes]).T).argmax(1)
        right = [classes[index] == value for index, value in zip(found.tolist(), truth) if value]
        accuracy[name] = sum(right) / len(right)
    return accuracy


@torch.no_grad()
def evaluate(network: ClipNetwork, data: FaceData) -> dict[str, float]:
    """All shares, each between 0 and 1, by what they tell."""
    generator = torch.Generator().manual_seed(0)
    captions = [face["caption"] for face in data.faces]
    texts = torch.cat([network.encode_texts(captions[start : start + BATCH]) for start in range(0, len(data), BATCH)])

    def features(images: Tensor) -> Tensor:
        return torch.cat([network.encode_images(batch) for batch in images.split(BATCH)])

    images = data.images(slice(None))
    estimates = gaussian_blur2d(images, 13, (BLUR, BLUR)) + NOISE * torch.randn(images.shape, generator=generator)
    clean = features(images)
    styles = [face["style"] for face in data.faces]
    everyone = [torch.arange(len(data))]
    of_style = [torch.tensor([s == style for s in styles]).nonzero().flatten() for style in sorted(set(styles))]
    found: dict[str, float] = {}
    for what, similarity, groups in (
        ("", clean @ texts.T, everyone),
        (" of one style", clean @ texts.T, of_style),
        (", soft and noisy", features(estimates) @ texts.T, everyone),
    ):
        shares = matching(similarity, groups, data.people(), generator)
        found |= {f"right {name} among {AMONG}{what}": share for name, share in shares.items()}
    return found | {f"zero-shot {name}": share for name, share in zero_shot(network, clean, data.faces).items()}


def measure(data: Path) -> dict[str, dict[str, float]]:
    """All figures, from 0 to 1; `data` holds the splits."""
    return {"guidance": evaluate(load_clip(FOLDER), FaceData(data / "test"))}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
