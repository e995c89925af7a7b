"""`lfm-online fit`, as far as neither Kafka nor a store is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.made_model import random_ratings
from worker.cli import main


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.tsv"
    lines = [f"{e.user}\t{e.item}\t{e.rating}\t{e.time_ms}\n" for e in random_ratings(600)]
    path.write_text("user\titem\trating\ttime\n" + "".join(lines) + "late\tcomer\t9\t1000\n")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["fit", *map(str, arguments), "--factors", "4", "--dry-run"])


def test_each_epoch_is_a_line_of_json_with_the_parts_of_its_loss_and_the_last_line_says_which_won(
    file: Path,
) -> None:
    result = run(file, "--rule", "sgd", "--epochs", "6", "--hold-out", "0.2", "--json")
    assert result.exit_code == 0, result.output
    *epochs, summary = map(json.loads, result.stdout.splitlines())
    assert [epoch["epoch"] for epoch in epochs] == list(range(1, len(epochs) + 1))
    for epoch in epochs:
        parts = epoch["squared_error"] + epoch["decay_biases"] + epoch["decay_factors"]
        assert epoch["loss"] == pytest.approx(parts)
        assert (epoch["ratings"], epoch["held_out"]) == (480, 120)
    best = min(epochs, key=lambda epoch: epoch["rmse_held_out"])
    assert (summary["epochs"], summary["rmse_held_out"]) == (best["epoch"], best["rmse_held_out"])
    assert (summary["model"], summary["ratings"], summary["refused"]) == (None, 480, 1)


def test_people_get_a_table_and_what_became_of_it(file: Path) -> None:
    result = run(file, "--rule", "sgd", "--epochs", "2")
    assert result.exit_code == 0, result.output
    for words in (
        "540 ratings learned, 60 held out",
        "held out",
        "loss",
        "1 rating refused",
        "nothing was written",
    ):
        assert words in result.output


def test_the_adaptive_rule_learns_one_epoch_and_its_error_is_of_ratings_not_yet_learned(file: Path) -> None:
    result = run(file, "--json")
    epoch, summary = map(json.loads, result.stdout.splitlines())
    assert epoch == {
        "epoch": 1,
        "ratings": 600,
        "held_out": 0,
        "rmse": summary["rmse"],
        "rmse_held_out": None,
    }
    evaluated = CliRunner().invoke(main, ["evaluate", str(file), "--factors", "4", "--json"])
    assert json.loads(evaluated.stdout)["rmse"] == pytest.approx(epoch["rmse"], rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "2"], r"rule adaptive learns 2 epochs (--epochs); allowed: 1"),
        (["--hold-out", "0.1"], "--hold-out is 0.1; allowed: 0 with rule adaptive"),
        (["--rule", "sgd", "--sgd-margin", "1"], "sgd_margin is 1 and sgd_link clip; allowed: "),
        (["--rule", "sgd", "--range", "20,30"], "lies in 20,30 (--range)"),
    ],
)
def test_what_does_not_go_together_is_refused_with_value_and_flag(
    file: Path, arguments: list[str], message: str
) -> None:
    result = run(file, *arguments)
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
