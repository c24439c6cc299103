"""How well the attribute and style judge reads faces that it has never seen.

python -m benchmarks.embedded_suite.attributes --data DIR
"""

import argparse
import json
from pathlib import Path

from embedded.judges.attributes import FaceJudge
from embedded.training.attributes_judge import accuracies


def measure(data: Path) -> dict[str, dict[str, float]]:
    """The share of the test pictures on which each attribute is read right, from 0 to 1."""
    return {"judge": accuracies(FaceJudge.load(), data / "test")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that draw.mjs wrote")
    print(json.dumps(measure(parser.parse_args().data), indent=2, ensure_ascii=False))
