"""What ``make evaluate`` is made of: its commands, its goals, its tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.commands import CommandFailedError, Commands
from tests.evaluation.data import DataMissingError, full
from tests.evaluation.report import Report, goals_table, table


def test_a_command_that_is_missing_ends_the_report_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    commands = Commands({path: "ratings.csv"})
    with pytest.raises(CommandFailedError, match=r"`lfm-online guess ratings.csv --json` ended with 2"):
        commands.json("guess", path)


def test_the_lines_shown_hold_no_path_of_this_machine_and_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("userId,movieId,rating,timestamp\nu,i,3,1700000000\nu,j,4,1700000001\n")
    commands = Commands({path: "ratings.csv"})
    for _ in range(2):
        assert commands.json("evaluate", path, "--range", "1,5")["events"] == 2
    assert commands.take_shown() == ["lfm-online evaluate ratings.csv --range 1,5 --json"]
    assert commands.take_shown() == []


def test_a_goal_that_fails_is_told_with_what_was_measured(tmp_path: Path) -> None:
    report = Report(Commands({}), [], tmp_path)
    report.at_most("RMSE", 0.93, 0.92)
    report.at_least("events/s", 4_000_000.4, 3_000_000)
    assert [goal.holds for goal in report.goals] == [False, True]
    assert goals_table(report.goals).splitlines()[2:] == [
        "| RMSE at most 0.92 | 0.9300 | **fails** |",
        "| events/s at least 3,000,000 | 4,000,000 | holds |",
    ]


def test_a_table_is_markdown_with_numbers_flush_right() -> None:
    assert table(["set", "RMSE"], [["a", ".9"]]).splitlines() == [
        "| set | RMSE |",
        "| --- | ---: |",
        "| a | .9 |",
    ]


def test_a_data_set_that_is_not_where_it_is_said_to_be_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for maker in ("_ml_100k", "_dslabs"):
        monkeypatch.setattr(f"tests.evaluation.data.{maker}", lambda cache: cache)
    with pytest.raises(DataMissingError, match=r"LATEST_SMALL is .*nowhere"):
        full(tmp_path, tmp_path / "nowhere.csv")
