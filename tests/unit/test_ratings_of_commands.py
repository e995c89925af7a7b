"""What commands say of ratings outside the range, and of files without any to learn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.made_model import random_ratings
from worker.cli import main

COMMANDS = {
    "evaluate": ["evaluate", "--factors", "2", "--json"],
    "fit": ["fit", "--factors", "2", "--dry-run", "--json"],
    "cold-start": ["cold-start", "--factors", "2", "--rule", "sgd", "--json"],
}
each_command = pytest.mark.parametrize("command", COMMANDS)


def run(command: str, file: Path) -> Result:
    return CliRunner().invoke(main, [*COMMANDS[command], str(file)])


def write(file: Path, times: float = 1, *more: str) -> Path:
    """1,200 ratings of half a star to five, each so many times as high; and more lines."""
    lines = [f"{e.user},{e.item},{times * (e.rating or 0)},{e.time_ms}" for e in random_ratings(1200)]
    file.write_text("\n".join(["user,item,rating,timestamp", *lines, *more, ""]))
    return file


@each_command
def test_ratings_outside_the_range_are_counted_on_standard_error_with_the_flag(
    command: str, tmp_path: Path
) -> None:
    outside = [f"u,i{n},{6 + n},1700000000000" for n in range(3)]
    result = run(command, write(tmp_path / "r.csv", 1, *outside))
    assert result.exit_code == 0, result.output
    said = "3 of 1,203 ratings (0.5 to 8) lie outside 0.5,5 and are left out (--range)\n"
    assert result.stderr.count(said) == 1
    for line in result.stdout.splitlines():
        json.loads(line)


@each_command
def test_of_one_rating_outside_the_range_it_is_said_as_of_one(command: str, tmp_path: Path) -> None:
    result = run(command, write(tmp_path / "r.csv", 1, "u,i,17,1700000000000"))
    assert "1 of 1,201 ratings (0.5 to 17) lies outside 0.5,5 and is left out (--range)\n" in result.stderr


@each_command
def test_where_all_lie_within_the_range_nothing_is_said_of_it(command: str, tmp_path: Path) -> None:
    result = run(command, write(tmp_path / "r.csv"))
    assert result.exit_code == 0, result.output
    assert "--range" not in result.stderr


@each_command
def test_a_file_whose_ratings_all_lie_outside_is_refused_with_where_they_lie(
    command: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "r.csv", 20)
    result = run(command, file)
    assert result.exit_code == 1
    said = f"Error: none of the 1,200 ratings of {file} (10 to 100) lies in 0.5,5 (--range)"
    assert said in result.stderr


@each_command
def test_a_file_without_a_rating_is_said_to_hold_none(command: str, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("user,item,rating,timestamp\n")
    result = run(command, file)
    assert result.exit_code == 1
    assert f"Error: {file} holds no ratings\n" in result.stderr
    assert "--range" not in result.stderr
