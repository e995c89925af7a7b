"""``make evaluate SIZE=small``: every command of the report runs, and says all that is shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_small_report_holds_every_section_and_a_chart(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.evaluation", "--size", "small"]
    done = subprocess.run(
        [*command, "--output", str(tmp_path), "--cache", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    written = (tmp_path / "evaluation.md").read_text()
    assert [line[3:] for line in written.splitlines() if line.startswith("## ")] == [
        "In the stream",
        "Held out",
        "Factors",
        "Bands and likelihood",
        "What each part of the rule buys",
        "The textbook rule",
        "Newcomers",
        "What is recommended",
    ]
    assert str(tmp_path) not in written
    for chart in (tmp_path / "evaluation").iterdir():
        assert f"(evaluation/{chart.name})" in written
    for peer in ("river, best", "sgd, best", "surprise, best", "als, best", "knn, best", "ease, best"):
        assert peer in written
