"""``lfm-online evaluate``: its tables, its JSON, its charts, and what it refuses."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.streams import made_stream
from worker.cli import main

EVENTS = made_stream(9, 301, others=0)
OVERALL = [
    "events",
    "refused",
    "rmse",
    "mae",
    "rmse_last_half",
    "rmse_mean",
    "rmse_bias",
    "events_per_second",
]


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """301 ratings from 0.5 to 5, and one of 17."""
    lines = ["userId,movieId,rating,timestamp"]
    lines += [f"{e.user},{e.item},{e.rating},{e.time_ms // 1000}" for e in EVENTS]
    path = tmp_path / "r.csv"
    path.write_text("\n".join([*lines, "user-1,item-1,17,1700000000", ""]))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


def summary(*arguments: str | Path) -> dict[str, Any]:
    result = run("--json", *arguments)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def texts_of(svg: Path) -> set[str | None]:
    parsed = ET.fromstring(svg.read_text(encoding="utf-8"))  # noqa: S314 (our own text)
    return {element.text for element in parsed.iter("{http://www.w3.org/2000/svg}text")}


def test_the_last_line_of_standard_output_is_one_json_object(ratings: Path) -> None:
    result = run(ratings, "--json", "--rule", "sgd", "--factors", "3", "--range", "0.5,5")
    assert result.exit_code == 0
    found = json.loads(result.stdout.splitlines()[-1])
    assert list(found)[: len(OVERALL)] == OVERALL
    assert (found["events"], found["refused"]) == (301, 1)
    assert (found["rule"], found["factors"], found["range"]) == ("sgd", 3, [0.5, 5.0])
    assert "bias-only guess" in result.stderr


def test_people_are_shown_tables(ratings: Path) -> None:
    result = run(ratings, "--sgd-link", "sigmoid_range", "--rule", "sgd")
    assert result.exit_code == 0
    for words in (
        "301 ratings learned, 1 refused",
        "sgd, 32 factors",
        "running mean",
        "bias-only guess",
        "events/s",
        "log-likelihood",
        "both known",
        "20-49",
        "2023-11",
    ):
        assert words in result.stdout, words
    for words in ("bytes a user", "learning on", "ranked by"):
        assert words not in result.stdout, words


def test_cohorts_in_the_json_add_up(ratings: Path) -> None:
    found = summary(ratings)
    assert list(found["cohorts"]) == ["known", "user_ratings", "month"]
    for cohorts in found["cohorts"].values():
        assert sum(cohort["ratings"] for cohort in cohorts) == found["events"]
        squares = sum(cohort["ratings"] * cohort["rmse"] ** 2 for cohort in cohorts)
        assert squares / found["events"] == pytest.approx(found["rmse"] ** 2)
    assert list(found["coverage"]) == ["50", "80", "90"]
    assert found["log_likelihood"] > -5


def test_several_numbers_of_factors_make_a_table_and_the_last_is_measured_in_full(ratings: Path) -> None:
    found = summary(ratings, "--factors", "2,8", "--factors", "4")
    assert [row["factors"] for row in found["by_factors"]] == [2, 8, 4]
    assert [row["user_row_bytes"] for row in found["by_factors"]] == [92 + 4 * k for k in (2, 8, 4)]
    assert [row["item_row_bytes"] for row in found["by_factors"]] == [40 + 4 * k for k in (2, 8, 4)]
    assert found["factors"] == 4
    assert found["by_factors"][-1]["rmse"] == found["rmse"]
    assert found["by_factors"][0]["rmse"] == summary(ratings, "--factors", "2")["rmse"]
    assert "bytes a user" in run(ratings, "--factors", "2,4").stdout


def test_without_the_flag_the_setting_says_how_many_factors(
    ratings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFM_FACTORS", "5")
    assert summary(ratings)["factors"] == 5


def test_each_split_is_shown_frozen_and_learning_on(ratings: Path) -> None:
    found = summary(ratings, "--split", "time:0.8", "--split", "cv:5", "--seed", "7")
    by_time, folds = found["splits"]
    assert (by_time["split"], by_time["train"], by_time["test"]) == ("time:0.8", 241, 60)
    assert (folds["split"], folds["train"], folds["test"]) == ("cv:5", 4 * 301, 301)
    for split in found["splits"]:
        for way in ("frozen", "kept_learning"):
            assert 0 < split[way]["rmse"] < 4
            assert 0 < split[way]["rmse_bias"] < 4
    assert summary(ratings, "--split", "cv:5", "--seed", "7")["splits"] == [folds]
    shown = run(ratings, "--split", "cv:5").stdout
    assert "frozen" in shown
    assert "learning on" in shown


def test_top_n_quality_names_the_shipped_scorer_at_the_top(ratings: Path) -> None:
    found = summary(ratings, "--top", "2")
    top = found["top"]
    assert (top["n"], top["like"]) == (2, 0.5 + 0.75 * 4.5)
    assert [scorer["name"] for scorer in top["scorers"]] == [
        *(f"taken next, c {c}" for c in ("0.5", "0", "1", "2", "4")),
        "similar to the last, taken-together",
        "similar to the last, taste",
        "predicted rating",
        "popular items",
    ]
    assert (found["hit_rate"], found["ndcg"]) == (top["scorers"][0]["hit_rate"], top["scorers"][0]["ndcg"])
    assert top["ranked"] > summary(ratings, "--top", "2", "--like", "5")["top"]["ranked"]
    shown = run(ratings, "--top", "2").stdout
    assert "Top 2: " in shown
    assert "hit rate" in shown


def test_the_plot_is_an_svg_with_a_chart_for_each_thing_measured(ratings: Path, tmp_path: Path) -> None:
    file = tmp_path / "plot.svg"
    assert run(ratings, "--plot", file).exit_code == 0
    texts = texts_of(file)
    assert {"RMSE over the stream", "Calibration", "Error by how much the user had rated"} <= texts
    assert {"model", "mean", "bias-only", "stated bands"} <= texts
    assert "Error by factors" not in texts
    assert run(ratings, "--plot", file, "--factors", "2,4").exit_code == 0
    texts = texts_of(file)
    assert {"Error by factors", "2 (100 + 48)", "4 (108 + 56)"} <= texts


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--range", "100,200"], 1, "lies in 100,200 (--range)"),
        (["--top", "3", "--like", "6"], 1, "(--like)"),
        (
            ["--like", "5"],
            2,
            "--like is 5, the least that the top N should find: it needs --top, as in --top 10",
        ),
        (["--plot", "x.png"], 2, "Invalid value for '--plot': 'x.png' ends in '.png'; allowed: .svg"),
        (["--split", "time:2"], 2, "allowed: time:FRACTION"),
        (["--split", "cv:1000"], 1, "301 ratings are too few for the split cv:1000 (--split)"),
        (["--factors", "8,x"], 2, "allowed: numbers from 1 to 512"),
        (["--factors", "0"], 2, "allowed: numbers from 1 to 512"),
        (["--top", "0"], 2, "--top"),
        (["--topic"], 2, "FILE or from --topic"),
        (["--plot", "no/such/place.svg"], 2, "no/such"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(
    ratings: Path, arguments: list[str], code: int, words: str
) -> None:
    result = run(ratings, *arguments)
    assert result.exit_code == code
    assert words in " ".join(result.stderr.split())


def test_without_a_file_or_a_topic_there_is_nothing_to_measure() -> None:
    result = run()
    assert result.exit_code == 2
    assert "give one of them" in result.stderr
