"""The readings and exports of a model from a terminal, over ratings that were replayed through the topic."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import pyarrow.parquet as pq
import pytest

from tests.acceptance.workers import Play
from tests.commands import StartCommand
from tests.terminal import Ended, terminal
from tests.topics import create_topic

USERS, ITEMS, EVENTS = 40, 30, 3000


def write_files(directory: Path) -> tuple[Path, Path]:
    """Ratings of users of two tastes, everybody fond of one item; and a catalogue."""
    ratings, catalogue = directory / "ratings.csv", directory / "movies.csv"
    with ratings.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["userId", "movieId", "rating", "timestamp"])
        rng = random.Random(1)
        for n in range(EVENTS):
            user, item = n % USERS, rng.randrange(ITEMS)
            likes = (user < USERS // 2) == (item < ITEMS // 2)
            rating = 5.0 if item == 3 else 4.0 if likes else 2.0
            lines.writerow([f"user {user}", item, rating, 1_000_000_000 + 60 * n])
    with catalogue.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["movieId", "title", "genres"])
        for item in range(ITEMS):
            genre = "Western" if item < ITEMS // 2 else "Musical"
            lines.writerow([item, f"[bold]Film <{item}> ({1950 + item})", genre])
    return ratings, catalogue


def done(ended: Ended) -> str:
    assert ended.code == 0, ended.log
    return ended.output


class Reading:
    """A model that was learned from the files, and commands on it."""

    def __init__(self, play: Play, catalogue: Path) -> None:
        self.play = play
        self.where = ["--store", play.store, "--model", play.model]
        self.titled = [*self.where, "--catalogue", str(catalogue)]

    def told(self, *words: str) -> Any:
        return json.loads(self.shown(*words, *self.titled, "--json"))

    def shown(self, *words: str) -> str:
        return done(terminal(*words))


@pytest.fixture
def replayed(broker: str, store: str, process: StartCommand, tmp_path: Path) -> Callable[..., Reading]:
    def replay(*options: str) -> Reading:
        topic = create_topic(broker, 1)  # one partition: the tastes are learned in one order, each time
        play = Play(broker, store, topic, process)
        ratings, catalogue = write_files(tmp_path)
        done(terminal("produce", str(ratings), "--kafka", broker, "--topic", topic))
        worker = play.worker(*options)
        play.wait_learned(EVENTS, worker)
        play.wait_drained(worker)
        return Reading(play, catalogue)

    return replay


def test_a_replayed_model_is_read_drawn_and_exported(
    replayed: Callable[..., Reading], process: StartCommand, store: str, tmp_path: Path
) -> None:
    reading = replayed()
    told, shown, where, titled = reading.told, reading.shown, reading.where, reading.titled
    keys = reading.play.client.dbsize()

    biases = told("insight", "biases", "-n", "3")
    assert biases["liked_items"][0]["title"] == "[bold]Film <3> (1953)"
    assert biases["liked_items"][0]["low"] is not None
    assert biases["units"] == "rating points"
    command = process("insight", "biases", *titled)
    assert command.wait() == 0, command.log
    assert "[bold]Film <3> (1953) (3)" in command.output

    first = told("insight", "factors")["axes"][0]
    assert first["share"] > 0.5
    assert abs(first["genres"]["Western"]) > 0.8
    assert "axis 1: " in shown("insight", "factors", *titled)

    user = told("insight", "user", "user 7", "--least", "1")
    assert user["bias"]["id"] == "user 7"
    assert user["bias"]["ratings"] == EVENTS // USERS
    western = 1 if first["genres"]["Western"] > 0 else -1
    assert user["axes"][0]["at"] * western > 0
    item = told("insight", "item", "20", "-n", "5", "--least", "1")
    assert all(int(each["id"]) >= ITEMS // 2 for each in item["nearest"])
    assert "towards" in shown("insight", "user", "user 7", *where)
    assert "nearest items" in shown("insight", "item", "20", *titled)

    drawing = tmp_path / "map.svg"
    shown("insight", "map", str(drawing), *titled)
    names = [each.text or "" for each in parse(drawing).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    assert any(name.startswith("[bold]Film <") for name in names)

    assert f"{USERS:,} rows" in shown("export", "vectors", str(tmp_path), *titled)
    users = pq.read_table(tmp_path / "users.parquet").to_pylist()
    assert sum(each["ratings"] for each in users) == EVENTS
    assert all(each["bias_variance"] is not None for each in users)
    assert pq.read_table(tmp_path / "items.parquet").num_rows == ITEMS
    file = str(tmp_path / "predictions.parquet")
    command = process("export", "predictions", file, "--user", "user 7", "--user", "user 8", *where)
    assert command.wait() == 0, command.log
    assert pq.read_table(file).num_rows == 2 * ITEMS

    for words, said, code in (
        (["insight", "user", "nobody", *where], "no user 'nobody'", 1),
        (["insight", "item", "nothing", *where], "no item 'nothing'", 1),
        (["insight", "biases", "--store", store, "--model", "no-such"], "'no-such' (LFM_MODEL)", 1),
        (["insight", "factors", "--store", "redis://127.0.0.1:1/0"], "LFM_STORE", 1),
        (["insight", "biases", *where, "--catalogue", str(drawing)], "no column for item", 1),
        (["export", "predictions", file, "--user", "user 7", "--user", "nobody", *where], "'nobody'", 1),
        (["export", "vectors", str(tmp_path / "gone"), *where], "does not exist", 2),
    ):
        refused = terminal(*words)
        assert refused.code == code
        assert said in refused.log
    assert reading.play.client.dbsize() == keys


def test_the_textbooks_model_is_read_too_and_keeps_no_variances(
    replayed: Callable[..., Reading], tmp_path: Path
) -> None:
    # At its usual steps it learns no taste from so few ratings.
    reading = replayed("--rule", "sgd", "--sgd-step-factors", "0.1", "--sgd-step-bias", "0.05")
    assert reading.told("insight", "biases")["liked_items"][0]["low"] is None
    assert "keeps no variances" in reading.shown("insight", "biases", *reading.titled)
    first = reading.told("insight", "factors")["axes"][0]
    assert first["share"] > 0.5
    assert abs(first["genres"]["Western"]) > 0.8
    reading.shown("export", "vectors", str(tmp_path), *reading.titled)
    users = pq.read_table(tmp_path / "users.parquet").to_pylist()
    assert {each["bias_variance"] for each in users} == {None}
