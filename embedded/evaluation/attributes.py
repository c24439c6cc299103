"""How well the attribute and style judge reads faces that it has never seen.

python -m embedded.evaluation.attributes --data DIR
"""

import argparse
import json
from pathlib import Path

from embedded.face_data import FaceData
from embedded.judges.attributes import FaceJudge

NAMED = ["style", "skin", "hair_color", "hair_length", "garment", "clothes_color", "mood", "background"]
PRESENT = ["beard", "eyewear"]  # of these, only whether there is one
NONE = "none"  # the class where nothing of the kind is to be seen, or where the design cannot show it


def attributes_of(data: FaceData) -> list[dict[str, str]]:
    """The attributes of each picture that the judge is to read."""
    return [
        {name: face[name] or NONE for name in NAMED} | {name: "yes" if face[name] else "no" for name in PRESENT}
        for face in data.faces
    ]


def accuracies(judge: FaceJudge, split: Path) -> dict[str, float]:
    """The share of a split's pictures on which each attribute is read right."""
    data = FaceData(split)
    truth = attributes_of(data)
    right = dict.fromkeys(judge.classes, 0)
    for start in range(0, len(truth), 256):
        read = judge.attributes(data.images(slice(start, start + 256)))
        for name, classes in read.items():
            right[name] += sum(face[name] == found for face, found in zip(truth[start:], classes))
    return {name: count / len(truth) for name, count in right.items()}


def measure(data: Path) -> dict[str, dict[str, float]]:
    """The share of the test pictures on which each attribute is read right, from 0 to 1."""
    return {"judge": accuracies(FaceJudge.load(), data / "test")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
