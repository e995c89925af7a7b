"""A model fitted from a file, then carried on from the topic by a worker."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.workers import PATIENCE_SECONDS, Play, ratings
from tests.commands import StartCommand
from tests.terminal import terminal

FITTED, STREAMED = 3000, 500
HEADER_EVENTS_AT = 4  # lfm_online/layout.py: byte of the row's count of events


def write_file(path: Path) -> Path:
    """The ratings that came before the topic: of its users, and of some that it never names."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "rating", "timestamp"])
        for place, (_, value) in enumerate(ratings(FITTED, seed=5)):
            event = json.loads(value)
            user = f"before {place % 9}" if place % 10 == 0 else event["user_id"]
            rows.writerow([user, event["item_id"], event["rating"], event["timestamp"]])
    return path


def fit_of(play: Play, file: Path, rule: str) -> tuple[str, ...]:
    """The command that fits the play's model."""
    return (
        *("fit", str(file), "--kafka", play.broker, "--topic", play.topic, "--store", play.store),
        *("--model", play.model, "--factors", "8", "--rule", rule, "--json"),
    )


def lookup(play: Play, *arguments: str) -> Any:
    found = terminal(*arguments, "--store", play.store, "--model", play.model, "--json")
    assert found.code == 0, found.log
    return json.loads(found.output)


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_a_worker_carries_a_fitted_model_on_and_each_event_of_the_topic_is_proved(
    broker: str, store: str, topic: str, process: StartCommand, tmp_path: Path, rule: str
) -> None:
    play = Play(broker, store, topic, process)
    file = write_file(tmp_path / "before.csv")
    fitted = process(*fit_of(play, file, rule))
    assert fitted.wait(PATIENCE_SECONDS) == 0, fitted.log
    *epochs, summary = map(json.loads, fitted.output.splitlines())
    assert (summary["model"], summary["ratings"], summary["refused"]) == (play.model, FITTED, 0)
    assert epochs[-1]["epoch"] == summary["epochs"]
    assert epochs[-1]["ratings"] == FITTED
    code, report = play.verify()
    assert (code, report["events"], report["fitted"]) == (0, 0, report["rows"]), report
    before = lookup(play, "predict", "before 0", "i3")
    assert before["user_ratings"] > 0

    # The worker has the same settings, and goes on.
    play.produce(ratings(STREAMED, seed=6))
    worker = play.worker("--rule", rule)
    play.wait_learned(STREAMED, worker)
    play.wait_drained(worker)
    assert f"learned {FITTED + STREAMED} ratings" in worker.log
    code, report = play.verify()
    assert (code, report["events"], report["fitted"]) == (0, STREAMED, 9), report
    after = lookup(play, "predict", "before 0", "i3")
    assert after["item_ratings"] > before["item_ratings"]
    assert after["user_ratings"] == before["user_ratings"]
    assert after["rating"] != before["rating"]

    # What was fitted counts as seen.
    with file.open(newline="") as lines:
        seen = {row["item_id"] for row in csv.DictReader(lines) if row["user_id"] == "before 0"}
    found = lookup(play, "recommend", "before 0", "-n", "1000")
    assert {each["item"] for each in found["items"]} == {f"i{item}" for item in range(40)} - seen

    # A fitted row that counts an event is found, by name.
    play.client.setrange(play.key("u:before 0"), HEADER_EVENTS_AT, b"\1")
    code, report = play.verify()
    assert (code, report["differing"]) == (1, 1)
    assert "user 'before 0'" in report["examples"][0]

    # It is not written over.
    again = terminal(*fit_of(play, file, rule))
    assert again.code == 1
    assert play.model in again.log
    assert "LFM_MODEL" in again.log


def test_a_worker_with_other_settings_does_not_carry_a_fitted_model_on(
    broker: str, store: str, topic: str, process: StartCommand, tmp_path: Path
) -> None:
    play = Play(broker, store, topic, process)
    file = write_file(tmp_path / "before.csv")
    fitted = terminal(*fit_of(play, file, "sgd"), "--no-sgd-biases", "--epochs", "2")
    assert fitted.code == 0, fitted.log
    worker = play.worker("--rule", "sgd")
    assert worker.wait(PATIENCE_SECONDS) == 1
    assert "options is {'biases': 0.0} in the store and {} here" in worker.log
