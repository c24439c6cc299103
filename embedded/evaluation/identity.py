"""How well the embedded identity networks tell people apart, and how independent the judge is of the one that guides.

    python -m embedded.evaluation.identity --data DIR

measures both on the test split that `embedded/faces/draw.mjs` drew: 512 people that neither has seen, 4 pictures each.
By which feature they tell people apart is measured on the training split, where enough pairs differ in one alone.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch
from kornia.filters import gaussian_blur2d
from safetensors.torch import load_file
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from torch import Tensor, nn
from torchmetrics.functional.classification import binary_auroc

from embedded.face_data import FaceData
from embedded.judges.identity import IdentityJudge
from guidance_losses.networks.face import FaceNetwork, load_face_network
from guidance_losses.networks.irse import IRSE
from tools.comfyui import REPOSITORY

WEIGHTS = REPOSITORY / "embedded" / "weights" / "face" / "faces_irse.safetensors"
STYLES = 4  # the people of a split take them in turn
DRAWS, GALLERY = 50, 100
PAIRS = 200  # of each style and feature

Embed = Callable[[Tensor], Tensor]


def embed_all(embed: Embed, faces: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([embed(batch) for batch in faces.split(256)])


def verification(embeddings: Tensor, people: Tensor) -> dict[str, float]:
    """The area under the ROC curve of the cosine, over all pairs of pictures; and over those of one style only.

    Chance is 0.5. The pairs of different people are all there are: the first kind is mostly of different styles too.
    """
    cosine = embeddings @ embeddings.T
    same = people[:, None] == people
    pair = torch.ones_like(same).triu(1)
    of_one_style = pair & (people[:, None] % STYLES == people % STYLES)
    return {
        "AUC": binary_auroc(cosine[pair], same[pair].long()).item(),
        "AUC within a style": binary_auroc(cosine[of_one_style], same[of_one_style].long()).item(),
    }


def identification(known: Tensor, seen: Tensor, people: Tensor) -> float:
    """How often the nearest of 100 people is the right one, over draws of 100 people from all.

    In each draw a person has one picture among the `known` embeddings and another one among the `seen`. Chance is 0.01.
    """
    generator = torch.Generator().manual_seed(0)
    each = int(people.bincount()[0])
    right = []
    for _ in range(DRAWS):
        chosen = torch.randperm(int(people[-1]) + 1, generator=generator)[:GALLERY]
        two = torch.rand(GALLERY, each, generator=generator).argsort(1)[:, :2]
        gallery, probes = (chosen * each + two.T).unbind()
        nearest = (seen[probes] @ known[gallery].T).argmax(1)
        right.append((nearest == torch.arange(GALLERY)).float().mean())
    return torch.stack(right).mean().item()


def explained(known: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor]) -> float:
    """R² of the best linear guess of one network's embeddings from another's: fitted on validation faces, then on test.

    Args:
        known, wanted: the embeddings of the validation and of the test faces.
    """
    ridge = RidgeCV(alphas=(1e-3, 1e-2, 1e-1, 1, 10)).fit(known[0], wanted[0])
    return r2_score(wanted[1], ridge.predict(known[1]), multioutput="variance_weighted")


def agreement(a: Tensor, b: Tensor, people: Tensor) -> float:
    """The correlation of two networks' cosines, over all pairs of different people of one style."""
    pair = torch.ones(len(people), len(people), dtype=torch.bool).triu(1)
    pair &= (people[:, None] != people) & (people[:, None] % STYLES == people % STYLES)
    return torch.corrcoef(torch.stack([(a @ a.T)[pair], (b @ b.T)[pair]]))[0, 1].item()


def pairs_by_difference(split: FaceData) -> dict[str, list[tuple[int, int]]]:
    """For each fixed feature of people, pairs of pictures, by their index, of two people who differ in it alone."""
    each = int(split.people().bincount()[0])
    pairs: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for style in range(STYLES):
        firsts = range(style * each, len(split), STYLES * each)
        designs = [face["design"] for first in firsts[:20] for face in split.faces[first : first + each]]
        people = [designs[start : start + each] for start in range(0, len(designs), each)]
        fixed = [name for name in designs[0] if all(face[name] == some[0][name] for some in people for face in some)]
        for feature in fixed:
            alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
            for first in firsts:
                design = split.faces[first]["design"]
                alike[tuple(design[name] for name in fixed if name != feature)].append(first)
            pairs[feature] += [(group[0], group[1]) for group in alike.values() if len(group) > 1][:PAIRS]
    return pairs


def told_apart(embed: Embed, split: FaceData, pairs: list[tuple[int, int]]) -> float:
    """How often a picture of the one is nearer to another of the same than to one of the other. Chance is 0.5."""
    one, other = torch.tensor(pairs).T
    picture, same, different = (embed_all(embed, split.images(index)) for index in (one, one + 1, other + 2))
    return ((picture * same).sum(1) > (picture * different).sum(1)).float().mean().item()


def untrained() -> dict[str, Embed]:
    """The same two architectures with random weights: what likeness comes from the pictures alone."""
    torch.manual_seed(0)
    network = IRSE.from_weights(load_file(WEIGHTS))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d | nn.PReLU):
            layer.reset_parameters()
    return {"untrained guidance": FaceNetwork(network, network.input_size), "untrained judge": IdentityJudge()}


def measure(data: Path) -> dict[str, dict[str, float]]:
    """All figures, from 0 to 1; `data` holds the splits."""
    splits = [FaceData(data / split) for split in ("validation", "test")]
    faces = [split.images(slice(None)) for split in splits]
    people = splits[1].people()
    soft = gaussian_blur2d(faces[1], 13, (2.0, 2.0))
    networks: dict[str, Embed] = {"guidance": load_face_network(WEIGHTS), "judge": IdentityJudge.load()}
    figures: dict[str, dict[str, float]] = {}
    embeddings = {
        name: (embed_all(embed, faces[0]), embed_all(embed, faces[1]))
        for name, embed in (networks | untrained()).items()
    }
    for name, (_, test) in embeddings.items():
        figures[name] = verification(test, people)
        figures[name]["top-1 of 100"] = identification(test, test, people)
    for name, embed in networks.items():
        seen = embed_all(embed, soft)
        figures[name]["top-1 of 100, blurred by 2 pixels"] = identification(embeddings[name][1], seen, people)
    training = FaceData(data / "train")  # the test split has too few people who differ in one feature
    for feature, pairs in pairs_by_difference(training).items():
        for name, embed in networks.items():
            figures[name][f"told apart by {feature}"] = told_apart(embed, training, pairs)
    for known, wanted in (
        ("guidance", "judge"),
        ("judge", "guidance"),
        ("untrained judge", "guidance"),
        ("untrained guidance", "judge"),
    ):
        figures[f"{known} and {wanted}"] = {
            "R² of the second from the first": explained(embeddings[known], embeddings[wanted]),
            "correlation of cosines, different people of one style": agreement(
                embeddings[known][1], embeddings[wanted][1], people
            ),
        }
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
