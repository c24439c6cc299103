"""The command for a GPU, with small models on what there is: it measures what it has time for, and says the rest."""

import json
import subprocess
import sys

from tools.comfyui import REPOSITORY

KINDS = 6  # of rows: costs, half precision, weights from files, memory, kernels, torch.compile


def test_the_command_measures_writes_and_says_what_it_left_out(tmp_path):
    results = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "benchmarks.gpu", "--quick", "--minutes", "1.2", "--results", str(results)]
    printed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    found = json.loads(results.read_text())
    rows = found["rows"]
    assert len({row["kind"] for row in rows}) == KINDS
    assert all(f"**{row['kind']}**" in printed for row in rows)
    assert found["models"] == "small"
    measured = [row for row in rows if "time" in row]
    assert measured[0]["gradient"] == "plain step"
    assert all(row["time"] > 0 and row["memory"] > 0 for row in measured if "memory" in row)
    assert not [row for row in rows if row.get("said", "").startswith("failed")]
    unmeasured = [
        row for row in rows if set(row) <= {"kind", "model", "decoder", "gradient", "precision", "host", "said"}
    ]
    assert unmeasured
    assert all(row["said"].startswith("left out: ") for row in unmeasured)
