"""Workers that are learning take priors over; what to ask a newcomer is read from the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.workers import Play, rating_bytes
from tests.commands import StartCommand
from tests.topics import create_topic

USERS, ITEMS, EVENTS = 30, 20, 2000


def ratings_of(items: range, first: int, n: int) -> list[tuple[bytes, bytes]]:
    """Comedies (even numbers) are liked, horror (odd numbers) is not."""
    events = []
    for j in range(first, first + n):
        user, item = f"u{j % USERS}", items[j * 7 % len(items)]
        stars = 1.0 if item % 2 else 4.5
        events.append((user.encode(), rating_bytes(user, f"i{item}", stars, 10**12 + 60_000 * j)))
    return events


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_new_items_start_from_their_genres_in_every_worker(
    broker: str, store: str, process: StartCommand, tmp_path: Path, rule: str
) -> None:
    play = Play(broker, store, create_topic(broker, 2), process)
    catalogue = tmp_path / "films.csv"
    lines = [f"i{n},Film {n},{'Horror' if n % 2 else 'Comedy'},{1950 + n}" for n in range(2 * ITEMS)]
    catalogue.write_text("\n".join(["item,title,genres,year", *lines]))
    where = ["--store", store, "--model", play.model]

    def told(*words: str) -> Any:
        command = process(*words, *where, "--json")
        assert command.wait() == 0, command.log
        return json.loads(command.output)

    workers = [play.worker("--rule", rule, "--sgd-step-bias", "0.05") for _ in range(2)]
    play.produce(ratings_of(range(ITEMS), 0, EVENTS))
    play.wait_learned(EVENTS, *workers)
    before = [told("predict", "u1", item) for item in ("i22", "i23")]
    assert {each["item_basis"] for each in before} == {"mean"}

    found = told("prior", str(catalogue))
    assert (found["known"], found["items"]) == (ITEMS, ITEMS)
    after = [told("predict", "u1", item) for item in ("i22", "i23")]
    assert {each["item_basis"] for each in after} == {"attributes"}
    assert after[0]["rating"] > before[0]["rating"] + 0.1
    assert after[1]["rating"] < before[1]["rating"] - 0.1

    play.produce(ratings_of(range(ITEMS, 2 * ITEMS), EVENTS, EVENTS))
    play.wait_learned(2 * EVENTS, *workers)
    assert told("predict", "u1", "i22")["item_basis"] == "ratings"
    for worker in workers:
        play.wait_drained(worker)
    play.verified(2 * EVENTS)

    refused = process("prior", str(catalogue), *where)
    assert refused.wait() == 1
    assert "at least one of each" in refused.log
    asked = process("insight", "questionnaire", *where, "-n", "3", "--catalogue", str(catalogue), "--json")
    if rule == "sgd":
        assert asked.wait() == 1
        assert "LFM_RULE" in asked.log
    else:
        assert asked.wait() == 0, asked.log
        questions = json.loads(asked.output)["questions"]
        assert len({each["item"] for each in questions}) == 3
        assert all(each["title"].startswith("Film ") and 0 < each["known_to"] <= 1 for each in questions)
        shown = process("insight", "questionnaire", *where, "--catalogue", str(catalogue))
        assert shown.wait() == 0, shown.log
        assert "Film " in shown.output
