"""Prequential evaluation, and the command that shows it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lfm_online.evaluate.prequential import evaluate
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.registry import make_rule
from tests.naive import Adaptive, Sgd, Twin
from tests.streams import HIGH, LOW, made_stream
from worker.cli import main

EVENTS = made_stream(9, 301, others=0)


def _table() -> RatingsTable:
    return RatingsTable(
        [event.user for event in EVENTS],
        [event.item for event in EVENTS],
        np.array([event.rating for event in EVENTS]),
        np.array([event.time_ms for event in EVENTS]),
    )


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_errors_are_those_of_predicting_each_rating_before_learning_it_in_order_of_time(rule: str) -> None:
    twin: Twin = Adaptive(LOW, HIGH, 1, 4) if rule == "adaptive" else Sgd(LOW, HIGH, 1, 4)
    ordered = sorted(EVENTS, key=lambda event: event.time_ms)  # stable
    errors = np.array([twin.rate(e.user, e.item, e.rating, e.time_ms, 0) - e.rating for e in ordered])
    done: list[int] = []
    result = evaluate(_table(), make_rule(rule, LOW, HIGH, 1), 4, done.append)
    for column, scores in zip(errors.T, (result.model, result.mean, result.bias), strict=True):
        for part, shown in ((column, scores.whole), (column[150:], scores.last_half)):
            np.testing.assert_allclose(shown.rmse, np.sqrt((part**2).mean()), rtol=1e-5)
            np.testing.assert_allclose(shown.mae, np.abs(part).mean(), rtol=1e-5)
    assert (result.events, result.refused, done[-1]) == (301, 0, 301)
    assert result.events_per_second > 0


def test_ratings_outside_the_range_are_counted_and_change_nothing() -> None:
    table = _table()
    wild = RatingsTable(
        [*table.users, *table.users],
        [*table.items, *table.items],
        np.concatenate([table.ratings, table.ratings * 1000]),
        np.concatenate([table.times_ms, table.times_ms]),
    )
    rule = make_rule("adaptive", LOW, HIGH, 1)
    calm, noisy = evaluate(table, rule, 4), evaluate(wild, rule, 4)
    assert (noisy.events, noisy.refused) == (301, 301)
    assert (noisy.model, noisy.mean, noisy.bias) == (calm.model, calm.mean, calm.bias)


def test_updates_that_are_not_finite_are_counted_as_refused() -> None:
    result = evaluate(_table(), make_rule("sgd", LOW, HIGH, 1, step_bias=1e3, step_factors=1e3), 4)
    assert result.refused > 0
    assert result.events + result.refused == 301
    assert np.isfinite(result.model.whole.rmse)


def test_a_file_without_a_rating_in_the_range_is_an_error_that_names_the_range() -> None:
    with pytest.raises(ValueError, match="none of the 301 ratings was learned: the range is 10,20"):
        evaluate(_table(), make_rule("adaptive", 10, 20, 1), 4)


def _run(path: Path, *arguments: str) -> Result:
    lines = ["userId,movieId,rating,timestamp"]
    lines += [f"{e.user},{e.item},{e.rating},{e.time_ms // 1000}" for e in EVENTS]
    path.write_text("\n".join([*lines, "user-1,item-1,17,1700000000", ""]))
    return CliRunner().invoke(main, ["evaluate", str(path), *arguments])


def test_the_command_ends_standard_output_with_one_json_object(tmp_path: Path) -> None:
    result = _run(tmp_path / "r.csv", "--json", "--rule", "sgd", "--factors", "3", "--range", "0.5,5")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert list(summary) == [
        "events",
        "refused",
        "rmse",
        "mae",
        "rmse_last_half",
        "rmse_mean",
        "rmse_bias",
        "events_per_second",
    ]
    assert (summary["events"], summary["refused"]) == (301, 1)
    assert "bias-only guess" in result.stderr


def test_the_command_shows_people_a_table(tmp_path: Path) -> None:
    result = _run(tmp_path / "r.csv", "--sgd-link", "sigmoid_range", "--rule", "sgd")
    assert result.exit_code == 0
    for words in (
        "301 ratings learned, 1 refused",
        "sgd, 32 factors",
        "running mean",
        "bias-only guess",
        "events/s",
    ):
        assert words in result.stdout


def test_the_command_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    result = _run(tmp_path / "r.csv", "--range", "100,200")
    assert result.exit_code == 1
    assert "none of the 302 ratings was learned" in result.stderr
