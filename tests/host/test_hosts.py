"""The command that runs the pack in several hosts: its records, its table."""

import json
import subprocess
import sys

from tools.comfyui import REPOSITORY
from tools.hosts import table


def test_the_command_runs_a_part_and_shows_it_as_a_table(tmp_path):
    results = tmp_path / "hosts.json"
    command = [sys.executable, "-m", "tools.hosts", "--results", str(results)]
    only = ["--only", "^(templates: 02|SD 1.5: (exact|none))"]
    printed = subprocess.run([*command, *only], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    records = json.loads(results.read_text())
    plain = [record for record in records if record["host"] == records[0]["host"]]  # not those of dynamic weights
    inpainting = ("templates", "02 Mask (CPU)")
    expected = [inpainting, ("SD 1.5", "exact"), ("SD 1.5", "none")]
    assert [(record["row"], record["what"]) for record in plain] == expected
    assert [record["gradient"] for record in plain[1:]] == [["exact"], ["none"]]
    assert all(record["guided"] and record["losses_fell"] and record["levels"] == 0 for record in plain)
    assert "\n| templates | 1 of 1, 0 |" in printed
    assert "\n| SD 1.5 | 2 of 2, 0 |" in printed
    again = subprocess.run([*command, "--table"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    assert again == printed


def test_the_table_tells_errors_differences_and_what_a_host_lacks():
    well = {"gradient": ["exact"], "guided": True, "losses_fell": True}
    records = [
        {"host": "1", "row": "Flux", "what": "exact", "levels": 0, **well},
        {"host": "1", "row": "Wan", "what": "exact", "levels": 0, **well},
        {"host": "2", "row": "Flux", "what": "exact", "levels": 3, **well, "gradient": ["exact", "low memory"]},
        {"host": "2", "row": "Flux", "what": "low memory", "levels": 90, **well, "losses_fell": False},
        {"host": "2", "row": "Flux", "what": "none", "error": "DSG KSampler: no."},
        {"host": "2", "row": "Flux", "what": "finite difference", "error": "DSG KSampler: no."},
    ]
    assert table(records).splitlines() == [
        "| | 1 | 2 |",
        "|---|---|---|",
        "| Flux | 1 of 1, 0 | 1 of 4, 90 |",
        "| Wan | 1 of 1, 0 | not there |",
        "",
        "- 2: by exact, then low memory in place of exact (first: Flux, exact; in all 1)",
        "- 2: a loss did not fall (first: Flux, low memory; in all 1)",
        "- 2: DSG KSampler: no. (first: Flux, none; in all 2)",
    ]
