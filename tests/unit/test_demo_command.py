"""``lfm-online demo``, as far as no server is started."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from worker.cli import main
from worker.demo.play import Play


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[Play]:
    """What would have been played."""
    plays: list[Play] = []
    monkeypatch.setattr("worker.demo.play.perform", plays.append)
    # They are the process's own, and this one goes on.
    monkeypatch.setattr("worker.log_setup.set_up_logging", lambda _level: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return plays


def run(file: Path, *ratings: float, options: tuple[str, ...] = ()) -> Result:
    lines = [f"u{n},i{n},{rating},1700000000" for n, rating in enumerate(ratings)]
    file.write_text("\n".join(["user,item,rating,timestamp", *lines, ""]))
    arguments = ["demo", "--data", str(file), *options]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_a_file_without_a_rating_in_the_range_starts_nothing_and_says_where_they_lie(
    played: list[Play], tmp_path: Path
) -> None:
    file = tmp_path / "x10.csv"
    result = run(file, *[10, 20, 50] * 300)
    assert result.exit_code == 1
    assert f"Error: none of the 900 ratings of {file} (10 to 50) lies in 0.5,5 (--range)\n" in result.stderr
    assert played == []


def test_a_file_without_a_rating_starts_nothing(played: list[Play], tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    result = run(file)
    assert (result.exit_code, result.stderr) == (1, f"Error: {file} holds no ratings\n")
    assert played == []


def test_ratings_outside_the_range_are_said_to_become_dead_letters_and_are_played(
    played: list[Play], tmp_path: Path
) -> None:
    result = run(tmp_path / "r.csv", 1, 7, 10, options=("--range", "1,5"))
    assert result.exit_code == 0
    said = "2 of 3 ratings (1 to 10) lie outside 1,5 and become dead letters (--range)\n"
    assert (result.stderr, result.stdout) == (said, "")
    [play] = played
    assert len(play.table) == 3


def test_where_all_lie_in_the_range_nothing_is_said(played: list[Play], tmp_path: Path) -> None:
    assert run(tmp_path / "r.csv", 1, 7, 10, options=("--range", "1,10")).stderr == ""
